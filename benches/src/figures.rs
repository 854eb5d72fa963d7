//! Samples by group and variant; what a child process prints and its parent reads.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::stats::{Shuffle, median, percentile};

/// Samples of one variant in a group of variants that were measured in turns: the samples of a round have one index.
#[derive(Default)]
pub struct Figures {
    samples: BTreeMap<(String, String), Vec<f64>>,
}

impl Figures {
    /// Adds a sample.
    pub fn add(&mut self, group: &str, variant: &str, sample: f64) {
        self.samples.entry((group.to_owned(), variant.to_owned())).or_default().push(sample);
    }

    /// Adds what a child has printed.
    pub fn read(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            let mut parts = line.split('\t');
            let (Some(group), Some(variant), Some(sample)) = (parts.next(), parts.next(), parts.next())
            else {
                anyhow::bail!("a child printed {line:?}, which is no sample");
            };
            self.add(group, variant, sample.parse().with_context(|| format!("in {line:?}"))?);
        }
        Ok(())
    }

    /// The samples of a variant, in the order of their rounds.
    pub fn samples(&self, group: &str, variant: &str) -> Result<&[f64]> {
        let samples = self.samples.get(&(group.to_owned(), variant.to_owned()));
        samples.map(Vec::as_slice).with_context(|| format!("no sample of {variant:?} in {group:?}"))
    }

    /// Their median.
    pub fn median(&self, group: &str, variant: &str) -> Result<f64> {
        Ok(median(self.samples(group, variant)?))
    }

    /// Their percentile.
    pub fn percentile(&self, group: &str, variant: &str, share: f64) -> Result<f64> {
        Ok(percentile(self.samples(group, variant)?, share))
    }

    /// The median of what `of` makes of both variants' samples, round by round: what disturbs the machine disturbs both.
    pub fn paired(&self, group: &str, one: &str, other: &str, of: fn(f64, f64) -> f64) -> Result<f64> {
        let (one, other) = (self.samples(group, one)?, self.samples(group, other)?);
        Ok(median(&one.iter().zip(other).map(|(&one, &other)| of(one, other)).collect::<Vec<_>>()))
    }

    /// How much the one takes more than the other.
    pub fn added(&self, group: &str, one: &str, other: &str) -> Result<f64> {
        self.paired(group, one, other, |one, other| one - other)
    }

    /// How many times as much the one takes as the other.
    pub fn ratio(&self, group: &str, one: &str, other: &str) -> Result<f64> {
        self.paired(group, one, other, |one, other| one / other)
    }

    /// Every group and variant with its samples.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &[f64])> {
        self.samples.iter().map(|((group, variant), samples)| (&**group, &**variant, &**samples))
    }
}

/// Prints one sample for the parent.
pub fn print(group: &str, variant: &str, sample: f64) {
    println!("{group}\t{variant}\t{sample}");
}

/// One thing to measure, beside others of its group.
pub struct Variant<'a> {
    /// With whom it is compared.
    pub group: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Measures it once.
    pub sample: Box<dyn FnMut() -> f64 + 'a>,
}

/// Measures the variants in turns, each round in another order, and prints the samples.
pub fn in_turns(rounds: usize, mut variants: Vec<Variant<'_>>) {
    let mut shuffle = Shuffle::new();
    // The first round warms up caches and branch predictors.
    for round in 0..=rounds {
        shuffle.shuffle(&mut variants);
        for variant in &mut variants {
            let sample = (variant.sample)();
            if round > 0 {
                print(variant.group, variant.name, sample);
            }
        }
    }
}
