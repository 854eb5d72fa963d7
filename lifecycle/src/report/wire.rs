//! The serde form of times: milliseconds, as numbers.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::render::json::{epoch_millis, millis};

fn read<E: Error>(ms: f64) -> Result<Duration, E> {
    // Through whole microseconds, which a fraction of milliseconds does not always hit.
    Duration::try_from_secs_f64((ms * 1e3).round() / 1e6).map_err(E::custom)
}

pub(crate) mod ms {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(millis(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        read(f64::deserialize(from)?)
    }
}

pub(crate) mod maybe_ms {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        duration.map(millis).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(from)?.map(read).transpose()
    }
}

pub(crate) mod epoch_ms {
    use super::*;
    use std::time::SystemTime;

    pub(crate) fn serialize<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(epoch_millis(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(u64::deserialize(from)?))
            .ok_or_else(|| D::Error::custom("a time out of range"))
    }
}
