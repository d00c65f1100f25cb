//! A real browser: Debian's chromium, driven by chromedriver over WebDriver
//! (<https://www.w3.org/TR/webdriver2/>), which is JSON over HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::not_run;

/// What takes so long will not happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many drivers may fail to get a port.
const DRIVERS: u32 = 10;

/// Between two looks at a page that is to change. WebDriver has no way to be told.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// For everything that is not under test: no network but the one of the test, and no first steps.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A browser with one window, which ends with the test.
pub struct Browser {
    driver: Child,
    /// Closed, it would end the driver as soon as that says something more.
    _stdout: BufReader<ChildStdout>,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// A browser of a user who speaks `language`. `None`, said loudly, where there is no chromium.
    pub fn start(language: &str) -> Option<Self> {
        let Ok((driver, stdout, port)) = start_driver() else {
            not_run("the page in a browser: install chromium and chromium-driver");
            return None;
        };
        let profile = TempDir::new().unwrap();
        let mut browser =
            Self { driver, _stdout: stdout, port, session: String::new(), _profile: profile };
        let own = [
            format!("--user-data-dir={}", browser._profile.path().display()),
            format!("--lang={language}"),
        ];
        let arguments: Vec<_> = ARGUMENTS.iter().map(ToString::to_string).chain(own).collect();
        let options = json!({
            "args": arguments,
            "prefs": { "intl.accept_languages": language },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": PATIENCE.as_millis() as u64 },
        } } });
        let session = browser.call("POST", "/session", &wanted);
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// Opens an address.
    pub fn open(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    /// What a script in the page gives. `arguments` are its `arguments`.
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The value of an expression in the page.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression}"), json!([]))
    }

    /// Waits until an expression is true in the page.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.value(expression) != json!(true) {
            assert!(Instant::now() < deadline, "not in time: {expression}\n{}", self.text("body"));
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// What a user reads in an element. The selector is one of CSS, as everywhere here.
    pub fn text(&self, selector: &str) -> String {
        let text = self
            .run("return document.querySelector(arguments[0])?.innerText ?? ''", json!([selector]));
        text.as_str().unwrap().to_owned()
    }

    /// Types keys into an element, as a user does.
    pub fn keys(&self, selector: &str, keys: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/value"), &json!({ "text": keys }));
    }

    /// Types keys into whatever has the focus.
    pub fn press(&self, keys: &str) {
        let actions: Vec<_> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }

    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Sets the size of what is seen of a page, in CSS pixels, and its colours: `light` or `dark`.
    pub fn look(&self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.command("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// A picture of the window, as PNG in base64.
    pub fn picture(&self) -> String {
        let picture = self.call("GET", &format!("{}/screenshot", self.session), &Value::Null);
        picture.as_str().unwrap().to_owned()
    }

    /// What the browser has complained about since it was last asked.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        log.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// How often the page was laid out so far.
    pub fn layouts(&self) -> u64 {
        self.command("Performance.enable", &json!({}));
        let known = self.command("Performance.getMetrics", &json!({}));
        let mut known = known["metrics"].as_array().unwrap().iter();
        let layouts = known.find(|metric| metric["name"] == "LayoutCount").unwrap();
        layouts["value"].as_f64().unwrap() as u64
    }

    /// A command of the Chrome DevTools Protocol.
    fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": name, "params": parameters }))
    }

    fn find(&self, selector: &str) -> String {
        let by = json!({ "using": "css selector", "value": selector });
        let element = self.post("/element", &by);
        element.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, mut answer) = request(self.port, method, path, body).unwrap();
        assert!(status == 200, "{method} {path}: {answer}");
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends the browser; a driver that is killed leaves one behind.
        let _ = request(self.port, "DELETE", &self.session, &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A driver, the rest of what it says, and where it listens. It takes a free port for IPv6 and then the same
/// one for IPv4; where another program was faster with that, it ends at once, and the next one is started.
fn start_driver() -> io::Result<(Child, BufReader<ChildStdout>, u16)> {
    for _ in 0..DRIVERS {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = BufReader::new(driver.stdout.take().unwrap());
        if let Some(port) = port_in(&mut stdout) {
            return Ok((driver, stdout, port));
        }
        driver.wait().unwrap();
    }
    panic!("{DRIVERS} times, chromedriver did not say where it listens");
}

/// The port that a driver says it has chosen. `None` when it ends without it.
fn port_in(stdout: &mut impl BufRead) -> Option<u16> {
    let mut lines = stdout.lines().map(Result::unwrap);
    lines.find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        Some(port.trim_end_matches('.').parse().unwrap())
    })
}

/// One request over HTTP/1.1 on a connection of its own: the status, and the JSON of the answer.
fn request(port: u16, method: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    // The driver gives up first, and says what.
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    let body = if method == "POST" { body.to_string() } else { String::new() };
    let length = body.len();
    stream.write_all(
        format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    )?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer)?;
    Ok((status, serde_json::from_slice(&answer)?))
}
