const PATH: &str = "/var/lib/shop/journal";

mod a {
    #[lifecycle::main(journal = 7)]
    async fn main() {}
}

mod b {
    #[lifecycle::main(journal)]
    async fn main() {}
}

mod c {
    #[lifecycle::main(journal = super::PATH)]
    async fn main() {}
}

#[lifecycle::test(journal = "journal")]
async fn has_none() {}

#[lifecycle::main(jornal = "journal")]
async fn main() {
    println!("{PATH}");
}
