use market::{Day, Millis, NewsType, Quote, Session, Tick, TradingState};

use crate::sources::simulate::{
    random::Random,
    stock_state::{DIGESTION, Halt, SESSION, State, cents, in_cents},
    stocks::{STOCKS, Sector},
    stories::{self, Story},
};

/// A market of 30 US stocks that is open round the clock: sessions of six and a half hours follow
/// one another without a pause. The first begins two hours before the start, on a whole minute.
///
/// Prices follow one factor of the market, one of their sector and their own noise, all with heavy tails. How much they
/// move and how often they are quoted is greater when a session opens and closes, and the former changes slowly by
/// chance. A story moves its symbols over the seconds that follow it. Time advances in steps of [`Simulation::STEP`],
/// and all chance comes from one seeded generator: the same seed and start give the same events, which is part of the
/// contract. A change here changes the meaning of every seed.
#[derive(Debug)]
pub struct Simulation {
    random: Random,
    start: Millis,
    time: Millis,
    session_start: Option<Millis>,
    /// Logarithms of the market and, after it, of the sectors.
    factors: [f64; 1 + Sector::COUNT],
    /// The rest of the move from a story of the whole market.
    market_pull: f64,
    /// The logarithm of the overall volatility.
    mood: f64,
    stocks: Vec<State>,
    next_story: Millis,
    /// How many stories it has published.
    stories: u64,
}

/// The events of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A session has changed.
    Session(Session),
    /// A trade, or new best prices.
    Tick(Tick),
    /// A story.
    News(market::News),
}

/// How far the market and a sector move in a session (standard deviation).
const MARKET_VOLATILITY: f64 = 0.011;
const SECTOR_VOLATILITY: f64 = 0.006;

/// Ticks a second over all stocks, in the middle of a session without stories.
const RATE: f64 = 15.0;

/// How long a story draws attention, and how much.
const ATTENTION: Millis = 45_000;
/// Two minutes: no halt outlasts its session.
const LONGEST_HALT: Millis = 120_000;

impl Simulation {
    /// The length of a step.
    pub const STEP: Millis = 100;

    /// How long before the start it begins.
    pub const PAST: Millis = 2 * 60 * 60 * 1_000;

    /// A market that begins [`Simulation::PAST`] before a time.
    pub fn new(seed: u64, start: Millis) -> Self {
        let start = start - start % Self::STEP;
        let begin = start.saturating_sub(Self::PAST);
        let time = begin - begin % 60_000;
        let stocks = STOCKS.iter().filter_map(|stock| State::new(stock, time));
        Simulation {
            random: Random::new(seed),
            start,
            time,
            session_start: None,
            factors: [0.0; 1 + Sector::COUNT],
            market_pull: 0.0,
            mood: 0.0,
            stocks: stocks.collect(),
            next_story: time + 240_000,
            stories: 0,
        }
    }

    /// A market that continues at a time from an earlier one: in the middle of its session, with its prices. Halted
    /// stocks soon resume.
    pub fn resume(seed: u64, time: Millis, left: &[(Session, Quote)]) -> Self {
        let mut simulation = Simulation::new(seed, time);
        let time = simulation.start;
        simulation.time = time;
        simulation.session_start = Some(time.saturating_sub(SESSION / 2));
        simulation.next_story = time + 4_000;
        for state in &mut simulation.stocks {
            state.seen = time;
            let left = left
                .iter()
                .find(|(session, _)| session.symbol == state.symbol);
            let Some((session, quote)) = left else {
                continue;
            };
            state.last = in_cents(quote.price).unwrap_or(state.last);
            state.value = state.last as f64;
            state.open = in_cents(session.open).unwrap_or(state.last);
            state.prev_close = in_cents(session.prev_close).unwrap_or(state.last);
            state.halt = (session.state == TradingState::Halted).then(|| Halt {
                release: None,
                resume: time + 10 * Self::STEP,
            });
        }
        simulation
    }

    /// The sessions of all stocks as they are now.
    pub fn sessions(&self) -> Vec<Session> {
        self.stocks.iter().map(State::session).collect()
    }

    /// The time of the next step.
    pub fn time(&self) -> Millis {
        self.time
    }

    /// Skips the time until then, as if the market had stood still. For a machine that slept: the missed time is not
    /// simulated in a burst.
    pub fn skip_to(&mut self, time: Millis) {
        let time = time - time % Self::STEP;
        if let Some(gap) = time.checked_sub(self.time) {
            self.time = time;
            self.session_start = self.session_start.map(|start| start + gap);
            self.next_story += gap;
            for state in &mut self.stocks {
                state.seen += gap;
                state.busy_until += gap;
                if let Some(halt) = &mut state.halt {
                    halt.release = halt.release.map(|time| time + gap);
                    halt.resume += gap;
                }
            }
        }
    }

    /// Goes back to a time and continues from there with the current prices, as if it had been that time all along.
    pub fn go_back_to(&mut self, time: Millis) {
        let time = time - time % Self::STEP;
        let Some(gap) = self.time.checked_sub(time) else {
            return;
        };
        let back = |time: Millis| time.saturating_sub(gap);
        self.time = time;
        self.session_start = self.session_start.map(back);
        self.next_story = back(self.next_story);
        for state in &mut self.stocks {
            state.seen = back(state.seen);
            state.busy_until = back(state.busy_until);
            if let Some(halt) = &mut state.halt {
                halt.release = halt.release.map(back);
                halt.resume = back(halt.resume);
            }
        }
    }

    /// The events at [`Simulation::time`], in order. Advances the time by a step.
    pub fn step(&mut self) -> Vec<Output> {
        let mut output = Vec::new();
        if self
            .session_start
            .is_none_or(|start| self.time >= start + SESSION)
        {
            self.open_session(&mut output);
        }
        let edge = self.edge();
        let nervous = self.move_factors(edge);
        self.make_stories(&mut output);
        for _ in 0..self.random.poisson(self.mean_ticks(edge)) {
            let weights = self.stocks.iter().map(|state| state.weight(self.time));
            let position = self.random.weighted(weights);
            let state = &mut self.stocks[position];
            if state.halt.is_none() {
                state.revalue(self.time, &self.factors, nervous, &mut self.random);
                let tick = state.tick(self.time, &mut self.random);
                output.push(Output::Tick(tick));
            }
        }
        self.time += Self::STEP;
        output
    }

    /// The distance of the session from its nearer end: 1 when it opens or closes, 0 in its middle.
    fn edge(&self) -> f64 {
        let since = self.time - self.session_start.unwrap_or(self.time);
        (2.0 * since as f64 / SESSION as f64 - 1.0).abs()
    }

    fn mean_ticks(&self, edge: f64) -> f64 {
        let weight: f64 = self
            .stocks
            .iter()
            .map(|state| state.weight(self.time))
            .sum();
        let usual: f64 = STOCKS.iter().map(|stock| stock.activity).sum();
        RATE * swing(edge, 0.85, 2.0) * weight / usual * Self::STEP as f64 / 1_000.0
    }

    /// Moves the market and the sectors by a step, and returns the current factor of all moves.
    fn move_factors(&mut self, edge: f64) -> f64 {
        let part = Self::STEP as f64 / SESSION as f64;
        // An Ornstein-Uhlenbeck process that forgets within twenty minutes, of deviation 0.35.
        let forget = Self::STEP as f64 / 1_200_000.0;
        self.mood += -forget * self.mood + 0.35 * (2.0 * forget).sqrt() * self.random.normal();
        let nervous = self.mood.exp() * swing(edge, 0.75, 1.3);
        for (position, factor) in self.factors.iter_mut().enumerate() {
            let volatility = if position == 0 {
                MARKET_VOLATILITY
            } else {
                SECTOR_VOLATILITY
            };
            *factor += volatility * nervous * part.sqrt() * self.random.heavy();
        }
        let digested = self.market_pull * (1.0 - (-(Self::STEP as f64) / DIGESTION).exp());
        self.market_pull -= digested;
        self.factors[0] += digested;
        nervous
    }

    fn open_session(&mut self, output: &mut Vec<Output>) {
        self.session_start = Some(self.time);
        let market_gap = 0.003 * self.random.heavy();
        for state in &mut self.stocks {
            let gap =
                state.stock.beta * market_gap + 0.3 * state.stock.volatility * self.random.heavy();
            state.value = (state.value * gap.exp()).max(100.0);
            state.prev_close = state.last;
            state.open = state.value.round() as i64;
            state.happened.clear();
            output.push(Output::Session(state.session()));
            // The opening auction is the first trade, so that open, high, low and volume begin with it.
            let size = self.random.whole(40, 900) * 100;
            let mut tick = state.trade(self.time, state.open, size, &mut self.random);
            tick.day = Day {
                volume: tick.trade.and_then(|trade| trade.size),
                high: Some(cents(state.open)),
                low: Some(cents(state.open)),
                open: Some(cents(state.open)),
                prev_close: Some(cents(state.prev_close)),
            };
            output.push(Output::Tick(tick));
        }
    }

    fn make_stories(&mut self, output: &mut Vec<Output>) {
        self.go_on_with_halts(output);
        if self.time < self.next_story {
            return;
        }
        let kinds = stories::WEIGHTS;
        let weights = kinds.iter().map(|(_, weight)| *weight);
        let (kind, _) = kinds[self.random.weighted(weights)];
        if kind == NewsType::Macro {
            let story = stories::of_market(&self.id(), self.time, &mut self.random);
            self.market_pull += story.pull;
            output.push(Output::News(story.news));
        } else {
            let position = stories::subject(&mut self.random);
            if self.stocks[position].halt.is_none() && (kind != NewsType::Halt || self.may_halt()) {
                self.make_story(position, kind, output);
            }
        }
        // A visitor of the page should see one soon; the past needs only a few.
        self.next_story = if self.time < self.start {
            let next = self.time + self.millis(300_000, 600_000);
            next.min(self.start + 4_000)
        } else {
            self.time + self.millis(8_000, 20_000)
        };
    }

    /// Whether the session continues for longer than a halt lasts.
    fn may_halt(&self) -> bool {
        self.session_start
            .is_some_and(|start| self.time + LONGEST_HALT < start + SESSION)
    }

    fn make_story(&mut self, position: usize, kind: NewsType, output: &mut Vec<Output>) {
        let id = self.id();
        let happened = &mut self.stocks[position].happened;
        let kind = if happened.contains(&kind) {
            NewsType::Headline
        } else {
            kind
        };
        if stories::once(kind) {
            happened.push(kind);
        }
        let stock = self.stocks[position].stock;
        let Story { news, pull } = stories::of_stock(kind, stock, &id, self.time, &mut self.random);
        output.push(Output::News(news));
        if kind == NewsType::Halt {
            let release = self.time + self.millis(40_000, 70_000);
            let resume = release + self.millis(20_000, 40_000);
            let state = &mut self.stocks[position];
            state.halt = Some(Halt {
                release: Some(release),
                resume,
            });
            output.push(Output::Session(state.session()));
            return;
        }
        let state = &mut self.stocks[position];
        state.pull += pull;
        state.busy_until = self.time + ATTENTION;
    }

    /// The news that a halt waited for, and some time later the end of the halt. Real halts last longer; these end
    /// within a short visit.
    fn go_on_with_halts(&mut self, output: &mut Vec<Output>) {
        for position in 0..self.stocks.len() {
            let Some(halt) = &mut self.stocks[position].halt else {
                continue;
            };
            if halt.release.is_some_and(|release| self.time >= release) {
                halt.release = None;
                let kind = *self.random.pick(&[
                    NewsType::Earnings,
                    NewsType::Merger,
                    NewsType::Management,
                ]);
                self.make_story(position, kind, output);
            } else if self.time >= halt.resume {
                let id = self.id();
                let state = &mut self.stocks[position];
                let story = stories::of_stock(
                    NewsType::Resume,
                    state.stock,
                    &id,
                    self.time,
                    &mut self.random,
                );
                output.push(Output::News(story.news));
                state.halt = None;
                output.push(Output::Session(state.session()));
                // It reopens with an auction at the price after the news.
                state.value *= std::mem::take(&mut state.pull).exp();
                state.revalue(self.time, &self.factors, 0.0, &mut self.random);
                state.busy_until = self.time + ATTENTION;
                let size = self.random.whole(40, 400) * 100;
                let price = state.value.round() as i64;
                let tick = state.trade(self.time, price, size, &mut self.random);
                output.push(Output::Tick(tick));
            }
        }
    }

    /// The id of the next story. It includes the start, so that stories after a restart differ from those before.
    fn id(&mut self) -> String {
        self.stories += 1;
        format!("{}-{}", self.start, self.stories)
    }

    fn millis(&mut self, low: u32, high: u32) -> Millis {
        let millis = self.random.whole(low, high);
        Millis::from(millis) - Millis::from(millis) % Self::STEP
    }
}

/// From `middle` in the middle of a session up by `more` at its ends.
fn swing(edge: f64, middle: f64, more: f64) -> f64 {
    middle + more * edge * edge * edge
}
