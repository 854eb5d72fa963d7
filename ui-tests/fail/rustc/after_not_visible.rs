//! A step's name can be seen where its function can.
mod db {
    pub(crate) mod inner {
        #[lifecycle::on_shutdown]
        pub(in crate::db) fn close() {}
    }

    #[lifecycle::on_shutdown(after = inner::close)]
    pub(crate) fn here_it_can() {}

    #[lifecycle::on_shutdown]
    fn private() {}
}

#[lifecycle::on_shutdown(after = db::inner::close)]
fn too_far_out() {}

#[lifecycle::on_shutdown(after = db::private)]
fn from_outside() {}

fn main() {}
