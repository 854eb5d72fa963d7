use lifecycle::on_shutdown;

mod db {
    #[lifecycle::on_shutdown]
    pub(crate) fn flush_db() {}
}

#[on_shutdown]
fn close_db() {}

#[on_shutdown(after = close_bd)]
fn misspelled() {}

#[on_shutdown(after = [close_db, db::flsh_db])]
fn misspelled_in_a_module() {}

#[on_shutdown(before = dbs::flush_db)]
fn misspelled_module() {}

#[on_shutdown(before = flush_db)]
fn in_a_module() {}

fn main() {}
