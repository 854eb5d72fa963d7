//! A list for each step or node, all in one piece of memory: a vector of its own for each would cost more than what is in it.

/// See the module's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lists<T> {
    all: Vec<T>,
    /// Where each ends, and the next begins.
    ends: Vec<usize>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists { all: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    pub(super) fn with_capacity(lists: usize, items: usize) -> Self {
        Lists { all: Vec::with_capacity(items), ends: Vec::with_capacity(lists) }
    }

    /// To the list that has not been ended.
    pub(super) fn push(&mut self, item: T) {
        self.all.push(item);
    }

    /// What is pushed from now on belongs to the next list.
    pub(super) fn end(&mut self) {
        self.ends.push(self.all.len());
    }

    pub(super) fn of(&self, list: usize) -> &[T] {
        let start = match list {
            0 => 0,
            list => self.ends[list - 1],
        };
        &self.all[start..self.ends[list]]
    }
}

impl<T: Copy> Lists<T> {
    /// Keeps of each list what is to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(usize, T) -> bool) {
        let mut kept = Lists::with_capacity(self.ends.len(), self.all.len());
        for list in 0..self.ends.len() {
            kept.all.extend(self.of(list).iter().copied().filter(|&item| keep(list, item)));
            kept.end();
        }
        *self = kept;
    }
}

impl Lists<usize> {
    /// From pairs of a list and what belongs into it, which stay in their order.
    pub(super) fn group(lists: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut ends = vec![0; lists];
        for (list, _) in pairs.clone() {
            ends[list] += 1;
        }
        let mut begins = 0;
        for end in &mut ends {
            begins += std::mem::replace(end, begins);
        }
        let mut all = vec![0; begins];
        // Each moves on from where its list begins to where it ends.
        for (list, item) in pairs {
            all[ends[list]] = item;
            ends[list] += 1;
        }
        Lists { all, ends }
    }
}
