//! The server that the pages are compared with, and that their commands use unless they start one.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

/// How long the built-in market may take to have its first prices.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The program with the built-in market and an archive; it ends with the last test that holds it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    folder: PathBuf,
}

impl Server {
    /// The instance that all tests share.
    pub(crate) fn shared() -> Arc<Server> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    fn start() -> Self {
        let name = format!("tickertape-docs-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("site/pkg")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(["--listen", "127.0.0.1:0", "--feed", "simulate", "--data"])
            .arg(folder.join("data"))
            .arg("--site")
            .arg(folder.join("site"))
            .env_remove("LEPTOS_OUTPUT_NAME")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit("http://").next().unwrap().to_owned();
        let server = Server {
            child,
            address,
            folder,
        };
        let end = Instant::now() + START_TIMEOUT;
        while !server.answer("/health/ready").unwrap().0.contains(" 200 ") {
            assert!(Instant::now() < end, "the server does not become ready");
            std::thread::yield_now();
        }
        server
    }

    /// The head and the body of an answer.
    fn answer(&self, path: &str) -> io::Result<(String, String)> {
        let mut connection = TcpStream::connect(&self.address)?;
        write!(connection, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Ok((head.to_owned(), body.to_owned()))
    }

    /// The answer of a path.
    pub(crate) fn get(&self, path: &str) -> String {
        let (head, body) = self.answer(path).unwrap();
        assert!(head.contains(" 200 "), "{path}: {head}");
        body
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
