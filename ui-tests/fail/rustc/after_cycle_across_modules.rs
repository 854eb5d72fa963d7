//! Through `use`, a new name, and a name that is a keyword.
mod db {
    use crate::venue::log_out;

    #[lifecycle::on_shutdown(after = log_out)]
    pub(crate) fn close() {}
}

mod venue {
    pub(crate) use self::inner::r#move as log_out;

    mod inner {
        #[lifecycle::on_shutdown(after = crate::db::close)]
        pub(in crate::venue) fn unused() {}

        #[lifecycle::on_shutdown(after = super::super::db::close)]
        pub(crate) fn r#move() {}
    }
}

fn main() {}
