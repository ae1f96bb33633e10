//! A TCP proxy on loopback that does to connections what bad links do: cuts, stalls, slowness, silence.

use socket2::SockRef;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What is done to connections. What is not said, is not done.
#[derive(Clone, Default)]
pub struct Rules {
    /// A connection breaks when so many bytes have gone towards the broker; the number is drawn for each.
    pub cut_up: Option<Range<u64>>,
    /// The same, towards the client.
    pub cut_down: Option<Range<u64>>,
    /// How it breaks; drawn for each connection.
    pub how: Vec<How>,
    /// Most bytes a second in either direction.
    pub rate: Option<u64>,
    /// New connections are closed at once.
    pub refuse: bool,
}

/// How a connection breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Reset on both sides.
    Reset,
    /// Closed in order on both sides.
    Close,
    /// Reset towards the client, while the broker hears nothing and is told nothing.
    Half,
    /// Nothing goes through for so long; then it is reset.
    Stall(Duration),
}

impl Rules {
    /// Cuts of both kinds after so many bytes towards the broker.
    pub fn cutting_up(range: Range<u64>) -> Self {
        Self { cut_up: Some(range), how: vec![How::Reset, How::Close], ..Self::default() }
    }
    /// The same, towards the client.
    pub fn cutting_down(range: Range<u64>) -> Self {
        Self { cut_down: Some(range), how: vec![How::Reset, How::Close], ..Self::default() }
    }
}

/// A proxy; ends with everything it carries when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    rules: Mutex<Rules>,
    /// Counts changes of the rules.
    rule: AtomicU64,
    chance: Mutex<u64>,
    ended: AtomicBool,
    cuts: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    /// Connections to the broker that are neither used nor closed.
    silent: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Begins; nothing is behind it yet.
    pub fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(address),
            rules: Mutex::default(),
            rule: AtomicU64::new(0),
            chance: Mutex::new(seed | 1),
            ended: AtomicBool::new(false),
            cuts: AtomicU64::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            silent: Mutex::default(),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), carrying) = (client, accepting.clone()) else { continue };
                thread::spawn(move || drop(carry(client, &carrying)));
            }
        });
        Self { address, shared }
    }
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
    /// Where connections go from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
    }
    /// What is done to connections from now on, also to those that are there.
    pub fn rule(&self, rules: Rules) {
        *self.shared.rules.lock().unwrap() = rules;
        self.shared.rule.fetch_add(1, Ordering::SeqCst);
    }
    /// Nothing is done to connections any more.
    pub fn calm(&self) {
        self.rule(Rules::default());
        self.shared.silent.lock().unwrap().clear();
    }
    /// Connections broken so far, each in the middle of bytes on their way.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
    /// Bytes that came from clients.
    pub fn up(&self) -> u64 {
        self.shared.up.load(Ordering::SeqCst)
    }
    /// Bytes that came from the broker.
    pub fn down(&self) -> u64 {
        self.shared.down.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn draw(&self, range: &Range<u64>) -> u64 {
        let mut x = self.chance.lock().unwrap();
        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        range.start + *x % range.end.saturating_sub(range.start).max(1)
    }
    fn rules(&self) -> Rules {
        self.rules.lock().unwrap().clone()
    }
}

/// One direction of a connection.
struct Way {
    /// Since the rules are what they are.
    began: Instant,
    came: u64,
    limit: Option<u64>,
    waiting: Vec<u8>,
    over: bool,
}

impl Way {
    fn new() -> Self {
        Self { began: Instant::now(), came: 0, limit: None, waiting: Vec::new(), over: false }
    }

    fn rule(&mut self, limit: Option<u64>) {
        (self.began, self.came, self.limit) = (Instant::now(), 0, limit);
    }

    /// Carries what there is; tells how much came. `None` when the connection has come to its cut.
    fn step(&mut self, from: &mut TcpStream, to: &mut TcpStream, rate: Option<u64>) -> io::Result<Option<usize>> {
        if self.limit.is_some_and(|limit| self.came >= limit) {
            return Ok(None);
        }
        let mut came = 0;
        if self.waiting.is_empty() && !self.over {
            let most = self.allowed(rate);
            let mut buffer = vec![0; most];
            match from.read(&mut buffer) {
                Ok(0) if most > 0 => {
                    self.over = true;
                    drop(to.shutdown(std::net::Shutdown::Write));
                }
                Ok(read) => {
                    came = read;
                    self.came += read as u64;
                    self.waiting = buffer;
                    self.waiting.truncate(read);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        while !self.waiting.is_empty() {
            match to.write(&self.waiting) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Some(came))
    }

    fn allowed(&self, rate: Option<u64>) -> usize {
        let by_cut = self.limit.map_or(u64::MAX, |limit| limit - self.came);
        let by_rate = rate.map_or(u64::MAX, |rate| {
            let due = u64::try_from(self.began.elapsed().as_millis()).unwrap() * rate / 1000;
            due.saturating_sub(self.came)
        });
        usize::try_from(by_cut.min(by_rate).min(64 << 10)).unwrap()
    }
}

fn carry(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    if shared.rules().refuse {
        return Ok(());
    }
    let target = *shared.target.lock().unwrap();
    let mut broker = TcpStream::connect(target)?;
    for stream in [&client, &broker] {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
    }
    let (mut rules, mut rule) = (Rules::default(), u64::MAX);
    let (mut up, mut down) = (Way::new(), Way::new());
    loop {
        if shared.ended.load(Ordering::SeqCst) {
            return Ok(());
        }
        let now = shared.rule.load(Ordering::SeqCst);
        if now != rule {
            (rules, rule) = (shared.rules(), now);
            up.rule(rules.cut_up.as_ref().map(|range| shared.draw(range)));
            down.rule(rules.cut_down.as_ref().map(|range| shared.draw(range)));
            // A slow link also holds little on its way; loopback would swallow whole parts at once.
            if rules.rate.is_some() {
                SockRef::from(&client).set_recv_buffer_size(4096)?;
            }
        }
        let (Some(there), Some(back)) =
            (up.step(&mut client, &mut broker, rules.rate)?, down.step(&mut broker, &mut client, rules.rate)?)
        else {
            shared.cuts.fetch_add(1, Ordering::SeqCst);
            let how = rules.how.get(usize::try_from(shared.draw(&(0..rules.how.len() as u64))).unwrap());
            return break_off(client, broker, how.copied().unwrap_or(How::Reset), shared);
        };
        shared.up.fetch_add(there as u64, Ordering::SeqCst);
        shared.down.fetch_add(back as u64, Ordering::SeqCst);
        if up.over && down.over && up.waiting.is_empty() && down.waiting.is_empty() {
            return Ok(());
        }
        if there + back == 0 {
            thread::sleep(Duration::from_micros(500));
        }
    }
}

fn break_off(client: TcpStream, broker: TcpStream, how: How, shared: &Shared) -> io::Result<()> {
    let reset = |stream: &TcpStream| SockRef::from(stream).set_linger(Some(Duration::ZERO));
    match how {
        How::Close => Ok(()),
        How::Reset => reset(&client).and(reset(&broker)),
        How::Half => {
            shared.silent.lock().unwrap().push(broker);
            reset(&client)
        }
        How::Stall(time) => {
            thread::sleep(time);
            reset(&client).and(reset(&broker))
        }
    }
}
