//! A station that asks the vip every other millisecond, and knows who answered and when.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::lab::network::Node;

const PORT: u16 = 7;
/// From one question to the next.
const PACE: Duration = Duration::from_millis(2);
/// What has not been answered by then will not be.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often a thread that hears nothing looks whether it is over.
const GLANCE: Duration = Duration::from_millis(100);

/// Answers whatever comes, at whatever address, until it is dropped. Its answers come from the director's own address,
/// by which they tell who it was.
pub(crate) struct Echo(Arc<AtomicBool>);

impl Echo {
    pub(crate) fn start(node: &Node) -> Self {
        let socket = bound(node, PORT);
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        thread::spawn(move || {
            let mut datagram = [0; 4];
            while !end.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut datagram) {
                    // A link that is cut is what this is about.
                    let _ = socket.send_to(&datagram[..length], from);
                }
            }
        });
        Self(ended)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks until it is dropped.
pub(crate) struct Asker {
    ended: Arc<AtomicBool>,
    diary: Arc<Mutex<Diary>>,
}

/// All questions, by their numbers.
#[derive(Default)]
struct Diary {
    questions: Vec<Question>,
    /// The questions that were answered, in the order of the answers.
    answered: Vec<usize>,
}

struct Question {
    asked: Instant,
    answer: Option<(Instant, IpAddr)>,
}

/// What became of the questions from some moment on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Interruption {
    /// The longest time from a question that was answered to the next answer.
    pub(crate) gap: Duration,
    /// How many questions had no answer.
    pub(crate) lost: usize,
    /// How many of them were not asked within that time.
    pub(crate) stray: usize,
}

impl Asker {
    pub(crate) fn start(station: &Node, vip: Ipv4Addr) -> Self {
        let (ended, diary) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Diary>>::default());
        let socket = bound(station, 0);
        let ears = socket.try_clone().expect("a second handle of a socket");
        let (end, pages) = (Arc::clone(&ended), Arc::clone(&diary));
        thread::spawn(move || ask(&socket, SocketAddr::from((vip, PORT)), &pages, &end));
        let (end, pages) = (Arc::clone(&ended), Arc::clone(&diary));
        thread::spawn(move || hear(&ears, &pages, &end));
        Self { ended, diary }
    }

    /// Whether all questions have lately been answered, and by the same director.
    pub(crate) fn is_steady(&self, by: Ipv4Addr, lately: Duration) -> bool {
        let now = Instant::now();
        let diary = open(&self.diary);
        let asked = |question: &&Question| now.duration_since(question.asked) < lately + PATIENCE;
        let recent = diary.questions.iter().rev().take_while(asked);
        let mut questions = recent.filter(|question| question.is_settled()).peekable();
        questions.peek().is_some()
            && questions.all(|it| it.answer.is_some_and(|(_, answerer)| answerer == IpAddr::V4(by)))
    }

    /// What became of what was asked since a moment, once all answers that can come have come.
    pub(crate) fn since(&self, moment: Instant) -> Interruption {
        thread::sleep(PATIENCE);
        open(&self.diary).since(moment)
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Diary {
    fn since(&self, moment: Instant) -> Interruption {
        let answered = self.answered.iter().map(|number| &self.questions[*number]);
        let answers: Vec<(Instant, Instant)> =
            answered.filter_map(|it| Some((it.asked, it.answer?.0))).collect();
        let gaps = answers.windows(2).map(|pair| (pair[0].0, pair[1].1)).filter(|(_, end)| *end >= moment);
        let Some((begin, end)) = gaps.max_by_key(|(begin, end)| *end - *begin) else {
            return Interruption::default();
        };
        let settled = |question: &&Question| (moment..).contains(&question.asked) && question.is_settled();
        let lost = self.questions.iter().filter(settled).filter(|question| question.answer.is_none());
        let lost: Vec<Instant> = lost.map(|question| question.asked).collect();
        let stray = lost.iter().filter(|asked| !(begin..end).contains(asked)).count();
        Interruption { gap: end - begin, lost: lost.len(), stray }
    }
}

impl Question {
    /// Whether its answer would have come by now.
    fn is_settled(&self) -> bool {
        self.asked.elapsed() > PATIENCE
    }
}

fn bound(node: &Node, port: u16) -> UdpSocket {
    let socket = node.enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))).expect("a socket");
    socket.set_read_timeout(Some(GLANCE)).expect("a timeout");
    socket
}

fn ask(socket: &UdpSocket, vip: SocketAddr, diary: &Mutex<Diary>, end: &AtomicBool) {
    let mut next = Instant::now();
    while !end.load(Ordering::Relaxed) {
        let number = {
            let mut diary = open(diary);
            diary.questions.push(Question { asked: Instant::now(), answer: None });
            u32::try_from(diary.questions.len() - 1).expect("fewer questions")
        };
        // Nobody may have the vip.
        let _: io::Result<usize> = socket.send_to(&number.to_be_bytes(), vip);
        next += PACE;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn hear(socket: &UdpSocket, diary: &Mutex<Diary>, end: &AtomicBool) {
    let mut datagram = [0; 4];
    while !end.load(Ordering::Relaxed) {
        let Ok((4, from)) = socket.recv_from(&mut datagram) else { continue };
        let (now, number) = (Instant::now(), u32::from_be_bytes(datagram) as usize);
        let mut diary = open(diary);
        diary.questions[number].answer = Some((now, from.ip()));
        diary.answered.push(number);
    }
}

fn open(diary: &Mutex<Diary>) -> MutexGuard<'_, Diary> {
    diary.lock().unwrap_or_else(PoisonError::into_inner)
}
