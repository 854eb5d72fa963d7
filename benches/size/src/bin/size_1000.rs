//! A service with a thousand hooks.

macro_rules! ten_times {
    (@modules { $($name:ident)* } $body:tt) => {
        $(ten_times! { @module $name $body })*
    };
    (@module $name:ident { $($body:tt)* }) => {
        mod $name { $($body)* }
    };
    ($($body:tt)*) => {
        ten_times! { @modules { a b c d e f g h i j } { $($body)* } }
    };
}

ten_times! { ten_times! { ten_times! {
    #[lifecycle::on_shutdown]
    async fn hook() {}
} } }

fn main() -> std::process::ExitCode {
    lifecycle::builder().run(lifecycle::stopping())
}
