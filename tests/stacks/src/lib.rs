//! What the programs and the tests of the stacks share.
