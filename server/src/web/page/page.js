"use strict";

// The two windows: what the client hears goes into the page, what the user does goes to the client.

/** Lines that the log keeps, and names that a list at the side shows. */
const KEPT_LINES = 2_000;
const LISTED = 200;
/** Made once: it takes longer than all else for a line. */
const TIME = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: "short", hourCycle: "h23" });
/** How often the counts of the rooms are asked for. */
const ROOMS_MS = 20_000;

const at = (id) => document.getElementById(id);
const log = at("log");
const box = at("say");
/** The servers of this chat, its own first. A page of https may use no other kind. */
const servers = [location.origin, ...at("also").content.split(" ").sort(() => Math.random() - 0.5)]
	.filter((origin) => origin.startsWith(location.protocol))
	.map((origin) => origin.replace("http", "ws") + "/chat");
const client = new Client(servers, { show, change: paintSoon, refused, ended });

let isEntering = true;

// Painting, once a frame: to measure the page after each line would take seconds in a busy room.

let pending = [];
let isPainting = false;
let unread = 0;
let mentioned = 0;
let lastDay = new Date().toDateString();
/** Whether the last lines of the log are seen, and are to be. */
let isAtEnd = true;

function paintSoon() {
	if (isPainting) return;
	isPainting = true;
	// A page that nobody sees gets no frames.
	document.hidden ? setTimeout(paint, 250) : requestAnimationFrame(paint);
}

function paint() {
	isPainting = false;
	paintWindows();
	if (isEntering) return;
	paintPlaces();
	paintLog();
}

function show(entry) {
	const { kind, name, text, time } = entry;
	entry.at = time ? new Date(time) : new Date();
	const isTold = ["said", "did"].includes(kind) && name !== client.name;
	entry.isMention = isTold && mentions(safe(text), client.name);
	if (!document.hasFocus() && (isTold || kind === "privateFrom")) {
		unread += 1;
		mentioned += entry.isMention || kind === "privateFrom";
	}
	pending.push(entry);
	if (pending.length > 2 * KEPT_LINES) pending = pending.slice(-KEPT_LINES);
	paintSoon();
}

function paintLog() {
	if (!pending.length) return;
	const lines = document.createDocumentFragment();
	for (const entry of pending.splice(0).slice(-KEPT_LINES)) {
		const day = entry.at.toDateString();
		if (day !== lastDay) lines.append(make("p", entry.at.toLocaleDateString(LANGUAGE, { dateStyle: "full" }), "day"));
		lastDay = day;
		lines.append(lineOf(entry));
	}
	log.append(lines);
	while (log.childElementCount > KEPT_LINES) log.firstChild.remove();
	at("down").hidden = isAtEnd;
	if (isAtEnd) toEnd();
}

function toEnd() {
	log.scrollTop = log.scrollHeight;
}

function lineOf({ kind, name, text, line, at, time, isMention }) {
	const row = make("p", "", `${kind}${time ? " before" : ""}${isMention ? " mention" : ""}`);
	row.dir = "auto";
	row.dataset.time = TIME.format(at);
	switch (kind) {
		case "said":
		case "did":
			row.append(...(kind === "said" ? [nameOf(name), ": "] : ["* ", nameOf(name), " "]));
			putText(row, text, name === client.name ? "" : client.name);
			break;
		case "entered":
		case "left":
		case "renamed":
			putSentence(row, kind, name, text);
			break;
		case "topicSet":
		case "privateTo":
		case "privateFrom":
			putSentence(row, kind, name);
			putText(row, text);
			if (kind === "privateFrom") {
				const button = make("button", words("answer"), "answer");
				button.onclick = () => writeTo(name);
				row.append(button);
			}
			break;
		case "moved":
		case "gap":
		case "missed":
		case "stillTaken":
			row.append(words(kind, safe(text)));
			break;
		case "kept":
		case "notSent":
			row.append(words(kind, safe(asTyped(text))));
			break;
		default:
			putText(row, line);
	}
	return row;
}

function putSentence(row, key, ...names) {
	words(key, "\0", "\0").split("\0").forEach((part, number) => {
		if (number) row.append(nameOf(names[number - 1]));
		row.append(part);
	});
}

function nameOf(name) {
	const element = make("bdi", safe(name), "name");
	element.style.setProperty("--hue", hueOf(name));
	return element;
}

// The windows and the lists.

function paintWindows() {
	if (client.state === "in") {
		isEntering = false;
		remember([client.name, client.room]);
	}
	if (at("login").hidden === isEntering || at("chat").hidden !== isEntering) {
		at("login").hidden = !isEntering;
		at("chat").hidden = isEntering;
		at(isEntering ? "name" : "say").focus();
	}
	at("enter").disabled = client.state === "connecting";
	const counts = unread ? `(${unread}${mentioned ? `, @${mentioned}` : ""}) ` : "";
	document.title = counts + (isEntering ? words("title") : safe(client.room));
}

function paintPlaces() {
	at("room-name").textContent = safe(client.room);
	at("topic").textContent = safe(client.topic);
	box.placeholder = words("sayAs", safe(client.name));
	at("count").textContent = client.users.size;
	const rooms = new Map(client.rooms).set(client.room, client.users.size);
	list("rooms", [...rooms.keys()].sort(), (button, room) => {
		button.append(make("bdi", safe(room)), make("small", rooms.get(room)));
		button.ariaCurrent = room === client.room;
		button.onclick = () => goTo(room);
	});
	list("users", [...client.users], (button, user) => {
		button.append(nameOf(user), make("small", user === client.name ? words("you") : ""));
		button.title = words("writeTo", safe(user));
		button.onclick = () => writeTo(user);
	});
	const { state, seconds, unsent, isCatchingUp } = client;
	at("status").textContent = words(state === "waiting" ? "lost" : "connecting", seconds);
	at("status").hidden = state === "in";
	at("unsent").hidden = state !== "in" || isCatchingUp || !unsent.length;
	const lines = unsent.map((request) => safe(asTyped(request)));
	at("unsent-text").textContent = [words("unsent"), ...lines].join("\n");
}

/** Makes a list show these names. What is there already stays, and with it the focus. */
function list(id, names, fill) {
	const rows = at(id);
	const items = new Map([...rows.children].map((item) => [item.dataset.name, item]));
	names.slice(0, LISTED).forEach((name, number) => {
		const item = items.get(name) ?? make("li");
		items.delete(name);
		if (!item.firstChild) item.append(make("button"));
		item.dataset.name = name;
		item.firstChild.textContent = "";
		fill(item.firstChild, name);
		if (rows.children[number] !== item) rows.insertBefore(item, rows.children[number]);
	});
	items.forEach((item) => item.remove());
}

// The login window.

at("login-form").onsubmit = (event) => {
	event.preventDefault();
	sayProblem();
	const name = at("name").value.trim();
	if (name) client.login(name, at("room").value.trim(), at("password").value, false);
	else sayProblem("name", words("Empty"));
};

function sayProblem(field, text) {
	for (const id of ["name", "password"]) {
		at(`${id}-problem`).textContent = id === field ? text : "";
		at(id).ariaInvalid = id === field;
	}
	if (field) at(field).focus();
}

function refused({ kind, text, line }) {
	const isPassword = kind === "password";
	if (isPassword) at("password-part").hidden = false;
	const key = [text, kind, "other"].find((key) => key in WORDS);
	const why = safe(text ?? line ?? "").replace("Invalid: ", "");
	sayProblem(isPassword ? "password" : "name", words(key, why));
}

function ended(entry) {
	remember(null);
	isEntering = true;
	pending = [];
	log.textContent = "";
	at("password").value = "";
	paint();
	entry ? refused(entry) : sayProblem();
}

// What the user types.

/** Lines typed so far, without passwords; which of them is shown again; the one that was begun. */
const typed = [];
let recalled = 0;
let begun = "";

at("say-form").onsubmit = (event) => {
	event.preventDefault();
	const text = box.value;
	box.value = begun = "";
	toEnd();
	if (text.trim()) say(text.replace(/^\s*\/nick\b/i, "/rename"), false);
};

/** Does what was typed. What was pasted is said as it is, also where it looks like a command. */
function say(text, isPasted) {
	// A password is never said, however carelessly it is typed.
	const [, command, secret] = /^\s*\/(op|rename(?=\s+\S+\s+\S))\s+(.*)$/is.exec(text) ?? [];
	if (secret) return client.request(`${command.toLowerCase()} ${secret}`);
	recalled = typed.push(text);
	// A server trims what a text begins with.
	if (isPasted) client.request(`say ${text.replace(/^\s+/, (indent) => "\xa0".repeat(safe(indent).length))}`);
	else if (!/^\/(?!\/)/.test(text)) client.request(`say ${text.replace(/^\/\//, "/")}`);
	else if (/^\/(quit|logout)\b/.test(text)) client.leave();
	else client.request(text.slice(1));
}

/** What was typed for a request: the other way round than `say`. */
function asTyped(request) {
	if (request.startsWith("op ")) return "/op";
	if (request.startsWith("rename ")) return `/${request.split(" ", 2).join(" ")}`;
	return request.startsWith("say ") ? request.slice(4).replace(/^\//, "//") : `/${request}`;
}

box.onkeydown = (event) => {
	const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
	if (!step || event.isComposing) return;
	event.preventDefault();
	if (recalled === typed.length) begun = box.value;
	recalled = Math.min(Math.max(recalled + step, 0), typed.length);
	box.value = typed[recalled] ?? begun;
};

// A browser would make one line of several.
box.onpaste = (event) => {
	const { value, selectionStart, selectionEnd } = box;
	const pasted = event.clipboardData.getData("text").replace(/^\s*\n|\s+$/g, "");
	const lines = (value.slice(0, selectionStart) + pasted + value.slice(selectionEnd)).split(/\r?\n|\r/);
	if (lines.length < 2) return;
	event.preventDefault();
	at("paste-title").textContent = words("pasteTitle", lines.length);
	at("paste-lines").textContent = lines.map(safe).join("\n");
	at("paste").returnValue = "";
	at("paste").onclose = () => {
		box.focus();
		if (at("paste").returnValue !== "send") return;
		box.value = begun = "";
		for (const line of lines) say(line.trimEnd(), true);
	};
	at("paste").showModal();
};

function writeTo(name) {
	box.value = `/msg ${name} ${box.value.replace(/^\/msg \S* ?/, "")}`;
	closePlaces();
}

function goTo(room) {
	if (room && room !== client.room) client.request(`join ${room}`);
	closePlaces();
}

function closePlaces() {
	at("chat").classList.remove("shows-places");
	at("places-button").ariaExpanded = "false";
	box.focus();
}

at("places-button").onclick = () => {
	at("places-button").ariaExpanded = at("chat").classList.toggle("shows-places");
};
at("join-form").onsubmit = (event) => {
	event.preventDefault();
	goTo(at("join").value.trim());
	at("join").value = "";
};
at("leave").onclick = () => client.leave();
at("resend").onclick = () => client.resend();
at("discard").onclick = () => {
	client.unsent = [];
	paintSoon();
};
at("down").onclick = toEnd;
log.onscroll = () => {
	isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
	at("down").hidden ||= isAtEnd;
};
// The keyboard of a telephone takes half of its height, a notice some.
const follow = () => isAtEnd && toEnd();
addEventListener("resize", follow);
new ResizeObserver(follow).observe(log);

// What happens around the page.

addEventListener("focus", () => {
	unread = mentioned = 0;
	paintSoon();
});
document.onvisibilitychange = () => document.hidden || client.wake();
addEventListener("online", () => client.wake());
setInterval(() => document.hidden || client.askRooms(), ROOMS_MS);

/** Keeps what a reload needs to bring the user back: never a password. */
function remember(stay) {
	try {
		sessionStorage.stay = JSON.stringify(stay);
	} catch {
		// A browser may keep nothing.
	}
}

try {
	const stay = JSON.parse(sessionStorage.stay);
	client.login(...stay, "", true);
	isEntering = false;
} catch {
	// Nothing was kept.
}
paint();
