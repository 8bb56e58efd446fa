//! Bandwidth: a token bucket that may go into debt by one packet, so that a packet larger than the rate still passes.

use std::time::{Duration, Instant};

/// How much of the rate may come at once after a pause.
const BURST: Duration = Duration::from_millis(50);

pub struct Bucket {
    /// Bytes in a second; `None` for no limit.
    rate: Option<f64>,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    pub fn new(rate: Option<f64>, now: Instant) -> Self {
        Self {
            rate,
            tokens: rate.unwrap_or(0.0) * BURST.as_secs_f64(),
            filled: now,
        }
    }

    /// When the next packet may pass, if not now.
    pub fn wait(&mut self, now: Instant) -> Option<Instant> {
        let rate = self.rate?;
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + elapsed * rate).min(rate * BURST.as_secs_f64());
        self.filled = now;
        // A millionth of a second more, since a wait that rounds to nothing would be repeated.
        let debt = -self.tokens / rate + 1e-6;
        (self.tokens < 0.0).then(|| now + Duration::from_secs_f64(debt))
    }

    pub fn take(&mut self, bytes: usize) {
        if self.rate.is_some() {
            self.tokens -= bytes as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_larger_than_the_rate_passes_and_is_waited_for() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(1000.0), start);
        assert!(bucket.wait(start).is_none());
        bucket.take(2050);
        let next = bucket.wait(start).unwrap();
        assert_eq!(next.duration_since(start).as_millis(), 2000);
        assert!(bucket.wait(start + Duration::from_millis(2001)).is_none());
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let now = Instant::now();
        let mut bucket = Bucket::new(None, now);
        bucket.take(usize::MAX);
        assert!(bucket.wait(now).is_none());
    }
}
