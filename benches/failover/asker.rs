//! A station that asks the vip every other millisecond, and knows who answered and when.

use std::cell::{RefCell, RefMut};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::lab::network::Node;

const PORT: u16 = 7;
/// From one question to the next.
const PACE: Duration = Duration::from_millis(2);
/// What has not been answered by then will not be.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often a thread that hears nothing looks whether it is over.
const GLANCE: Duration = Duration::from_millis(100);
/// The real-time priority of who asks and who answers: they have machines of their own, and here they share one with three
/// directors.
const PRIORITY: u8 = 2;

/// Answers whatever comes, at whatever address, until it is dropped. Its answers come from the director's own address,
/// by which they tell who it was.
pub(crate) struct Echo(Arc<AtomicBool>);

impl Echo {
    pub(crate) fn start(node: &Node) -> Self {
        let socket = bound(node, PORT);
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        spawn(move || {
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
    news: Receiver<News>,
    diary: RefCell<Diary>,
}

#[derive(Clone, Copy)]
enum News {
    Asked(Instant),
    Answered { number: usize, at: Instant, by: IpAddr },
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
        let ended = Arc::new(AtomicBool::new(false));
        let (tell, news) = channel();
        let socket = bound(station, 0);
        let ears = socket.try_clone().expect("a second handle of a socket");
        let (end, asked) = (Arc::clone(&ended), tell.clone());
        spawn(move || ask(&socket, SocketAddr::from((vip, PORT)), &asked, &end));
        let end = Arc::clone(&ended);
        spawn(move || hear(&ears, &tell, &end));
        Self { ended, news, diary: RefCell::default() }
    }

    /// All that is known by now.
    fn diary(&self) -> RefMut<'_, Diary> {
        let mut diary = self.diary.borrow_mut();
        self.news.try_iter().for_each(|news| diary.enter(news));
        diary
    }

    /// Whether all questions have lately been answered, and by the same director.
    pub(crate) fn is_steady(&self, by: Ipv4Addr, lately: Duration) -> bool {
        let now = Instant::now();
        let diary = self.diary();
        let asked = |question: &&Question| now.duration_since(question.asked) < lately + PATIENCE;
        let recent = diary.questions.iter().rev().take_while(asked);
        let mut questions = recent.filter(|question| question.is_settled()).peekable();
        questions.peek().is_some()
            && questions.all(|it| it.answer.is_some_and(|(_, answerer)| answerer == IpAddr::V4(by)))
    }

    /// What became of what was asked since a moment, once all answers that can come have come.
    pub(crate) fn since(&self, moment: Instant) -> Interruption {
        thread::sleep(PATIENCE);
        self.diary().since(moment)
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Diary {
    /// An answer comes after its question.
    fn enter(&mut self, news: News) {
        match news {
            News::Asked(asked) => self.questions.push(Question { asked, answer: None }),
            News::Answered { number, at, by } => {
                self.questions[number].answer = Some((at, by));
                self.answered.push(number);
            }
        }
    }

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

fn spawn(work: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        let priority = ThreadPriority::Crossplatform(PRIORITY.try_into().expect("a priority"));
        set_thread_priority_and_policy(thread_native_id(), priority, policy).expect("the guest's root may");
        work();
    });
}

fn ask(socket: &UdpSocket, vip: SocketAddr, tell: &Sender<News>, end: &AtomicBool) {
    let mut next = Instant::now();
    for number in 0_u32.. {
        if end.load(Ordering::Relaxed) || tell.send(News::Asked(Instant::now())).is_err() {
            return;
        }
        // Nobody may have the vip.
        let _: io::Result<usize> = socket.send_to(&number.to_be_bytes(), vip);
        next += PACE;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn hear(socket: &UdpSocket, tell: &Sender<News>, end: &AtomicBool) {
    let mut datagram = [0; 4];
    while !end.load(Ordering::Relaxed) {
        let Ok((4, from)) = socket.recv_from(&mut datagram) else { continue };
        let (at, number) = (Instant::now(), u32::from_be_bytes(datagram) as usize);
        if tell.send(News::Answered { number, at, by: from.ip() }).is_err() {
            return;
        }
    }
}
