//! A Chromium without a window that looks at a page and tells what it saw: what it loaded, what it complained of, how
//! wide the page is, how well its text can be read.
//!
//! It speaks the DevTools protocol over a pair of pipes (`--remote-debugging-pipe`, messages ended by NUL), so no port is
//! taken. Pages forbid foreign scripts by their policy; questions are asked through the debugger, which that does not concern.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long the browser may be silent while an answer is due; only what has failed takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running browser; dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    orders: ChildStdin,
    messages: Receiver<Value>,
    number: u64,
    /// The page's session.
    session: Value,
    /// Events that came while an answer was waited for.
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

/// Light or dark, as the reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What was seen of a page.
#[derive(Debug)]
pub struct Seen {
    /// The URLs of all requests, in their order.
    pub requests: Vec<String>,
    /// What stands in the console: errors, warnings, breaches of the policy.
    pub console: Vec<String>,
    /// Pixels by which the page is wider than the window.
    pub too_wide: i64,
    /// The least contrast between a text and the page, as WCAG counts it (1 to 21), and that text.
    pub contrast: (f64, String),
    /// How light the page is, from 0 to 1.
    pub lightness: f64,
    /// A picture of the whole page, as PNG.
    pub picture: Vec<u8>,
}

/// The browser, where it is installed.
pub fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

impl Browser {
    /// Starts one, with an empty profile.
    pub fn start(program: &Path) -> io::Result<Browser> {
        let profile = tempfile::tempdir()?;
        // It reads orders at descriptor 3 and answers at 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--no-proxy-server", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in BufReader::new(answers).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Browser {
            child,
            orders,
            messages,
            number: 0,
            session: Value::Null,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}))?;
        let attached = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.ask("Target.attachToTarget", attached)?["sessionId"].clone();
        for domain in ["Page", "Network", "Log", "Runtime"] {
            browser.ask(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Opens a page in a window of this width and says what it saw.
    pub fn look(&mut self, url: &str, width: u32, scheme: Scheme) -> io::Result<Seen> {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", metrics)?;
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        self.ask("Emulation.setEmulatedMedia", json!({"features": features}))?;
        self.events.clear();
        let to = self.ask("Page.navigate", json!({"url": url}))?;
        if let Some(error) = to["errorText"].as_str() {
            return Err(io::Error::other(format!("{url}: {error}")));
        }
        self.until("Page.loadEventFired")?;
        let measured = self.evaluate(MEASURE)?;
        let picture = self.ask("Page.captureScreenshot", json!({"captureBeyondViewport": true}))?;
        let text = |event: &Value, pointer: &str| {
            event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let of = |method: &'static str| self.events.iter().filter(move |event| event["method"] == method);
        let console = of("Log.entryAdded").map(|event| text(event, "/params/entry/text"));
        let said = of("Runtime.consoleAPICalled").chain(of("Runtime.exceptionThrown"));
        Ok(Seen {
            requests: of("Network.requestWillBeSent")
                .map(|event| text(event, "/params/request/url"))
                .collect(),
            console: console.chain(said.map(|event| event["params"].to_string())).collect(),
            too_wide: measured["wide"].as_i64().unwrap_or(i64::MAX),
            contrast: (measured["contrast"].as_f64().unwrap_or(0.0), text(&measured, "/text")),
            lightness: measured["lightness"].as_f64().unwrap_or(f64::NAN),
            picture: BASE64_STANDARD
                .decode(picture["data"].as_str().unwrap_or_default())
                .map_err(io::Error::other)?,
        })
    }

    /// Whether pages may run scripts; questions are asked all the same.
    pub fn allow_scripts(&mut self, may: bool) -> io::Result<()> {
        self.ask("Emulation.setScriptExecutionDisabled", json!({"value": !may})).map(drop)
    }

    /// The value of an expression in the page that was opened last.
    pub fn evaluate(&mut self, expression: &str) -> io::Result<Value> {
        let asked = json!({"expression": expression, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", asked)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(io::Error::other(format!("{expression}: {details}"))),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.number += 1;
        let mut order = json!({"id": self.number, "method": method, "params": params});
        if self.session.is_string() {
            order["sessionId"] = self.session.clone();
        }
        self.orders.write_all(order.to_string().as_bytes())?;
        self.orders.write_all(&[0])?;
        loop {
            let message = self.next(method)?;
            if message["id"] != self.number {
                self.events.push(message);
            } else if let Some(error) = message.get("error") {
                return Err(io::Error::other(format!("{method}: {error}")));
            } else {
                return Ok(message["result"].clone());
            }
        }
    }

    /// Waits until this has happened since the last [`Browser::look`] began.
    fn until(&mut self, event: &str) -> io::Result<()> {
        while !self.events.iter().any(|seen| seen["method"] == event) {
            let message = self.next(event)?;
            self.events.push(message);
        }
        Ok(())
    }

    fn next(&mut self, what: &str) -> io::Result<Value> {
        let failed = |error| io::Error::other(format!("browser: no answer to {what} ({error})"));
        self.messages.recv_timeout(PATIENCE).map_err(failed)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own processes go with it, and leave its profile alone once it has ended.
        let asked = self.ask("Browser.close", json!({}));
        if asked.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// How wide the page is beyond the window, its lightness, and the text that stands out least from the page's background.
const MEASURE: &str = r"(() => {
  const numbers = colour => colour.match(/[\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = numbers(colour).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = { contrast: 21, text: '' };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
    if (!text || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), colour = element instanceof SVGElement ? style.fill : style.color;
    const pair = [light(colour), light(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < found.contrast) Object.assign(found, { contrast, text });
  }
  const root = document.documentElement;
  found.wide = root.scrollWidth - root.clientWidth;
  found.lightness = light(behind(document.body));
  return found;
})()";

/// Writes the pictures into the folder that `MIRRORLIST_PICTURES` names, for people to look at; without it, nothing.
pub fn keep(seen: &Seen, name: &str) -> io::Result<()> {
    let Some(folder) = env::var_os("MIRRORLIST_PICTURES") else { return Ok(()) };
    fs::create_dir_all(&folder)?;
    fs::write(PathBuf::from(folder).join(name).with_extension("png"), &seen.picture)
}
