#[lifecycle::group]
struct Jobs<T>;

#[lifecycle::group]
struct Mails<'a, const N: usize>(&'a [u8; N]);

#[lifecycle::group]
struct Uploads
where
    u8: Copy;

fn main() {}
