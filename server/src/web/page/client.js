"use strict";

// A whole client of the chat's protocol, see docs/protocol.md. It knows no element of a page.
//
// A message of the WebSocket carries whole lines, one or many, each with its newline.

/** The room that a login leads to. */
const MAIN = "main";
/** Silence after which the server is asked whether it lives, and the time to answer that. */
const SILENCE_MS = 30_000;
const ANSWER_MS = 15_000;
/** The longest waits between two attempts to connect: each twice the one before. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** Lines said before that who enters is shown, and lines held back at most until those come. */
const LATEST = 20;
const HELD = 10_000;
/** The tokens of this client's own pings start so. Nobody is shown their answers. */
const FENCE = "page-";

/**
 * The lines that mean something here: replies, to this client alone, and events, to all in the room. The
 * first form that fits counts. No name has a space or a colon, so no text of a user passes for another form.
 */
const REPLIES = {
	greeting: "Connect Success",
	login: "Login Success",
	nameRefused: "UserName {text}",
	password: "Password {text}",
	renamedMe: "Rename Success",
	joined: "Join Success",
	roomRefused: "RoomName {text}",
	look: "Online Users:",
	rooms: "Rooms:",
	history: "History:",
	position: "Room Position: {time}+{text}",
	gap: "Position Gone: {text}",
	earlier: "[{time}] {text}",
	topic: "Topic: {text}",
	pong: "pong {text}",
	privateTo: "[to {name}] {text}",
	privateFrom: "[from {name}] {text}",
	missed: "Missed {text} lines",
	banned: "Banned for {text} minutes",
	kicked: "Kicked: {text}",
	usage: "Usage: {text}",
};
const EVENTS = {
	did: "* {name} {text}",
	announced: "* {text}",
	said: "{name}: {text}",
	entered: "{name} has entered the room.",
	left: "{name} has left the room.",
	renamed: "{name} is now known as {text}.",
	topicSet: "{name} set the topic: {text}",
};
const FORMS = Object.entries({ ...REPLIES, ...EVENTS }).map(([kind, form]) => [kind, compile(form)]);

function compile(form) {
	const parts = { name: "[^ :]+", text: ".*", time: "\\d{4}-[^ ]+" };
	const literal = form.replace(/[.*+[\]]/g, "\\$&");
	return new RegExp(`^${literal.replace(/{(\w+)}/g, (_, part) => `(?<${part}>${parts[part]})`)}$`, "s");
}

/** A line of the server, without its newline, as `{ kind, line, name, text, time }`. */
function parse(line) {
	for (const [kind, form] of FORMS) {
		const match = form.exec(line);
		if (match) return { ...match.groups, kind, line };
	}
	return { kind: "other", line };
}

/** The first word of a text, and the rest. Only ASCII white space is trimmed. */
function splitWord(text) {
	const [, word, rest] = /^([^ ]*) ?(.*)$/s.exec(text);
	return [word, rest.replace(/^[ \t\r\v\f]+|[ \t\r\v\f]+$/g, "")];
}

/** Whether a request has a text, which is kept when the connection is lost. */
function hasText(request) {
	return /^(say|me|msg|topic) +[^ ]/.test(request);
}

/** The line of the room that comes of a request. */
function echoOf(request, name) {
	const [command, text] = splitWord(request);
	const topic = text === "-" ? "" : text;
	return { say: `${name}: ${text}`, me: `* ${name} ${text}`, topic: `${name} set the topic: ${topic}` }[command];
}

/**
 * A stay in the chat. `hears` has the functions that it calls:
 *
 * - `show(entry)`: something to show, as `parse` gives it; what was said earlier has a `time`. Of this
 *   client's own are `moved` (to a room), `stillTaken` (a name), `kept` and `notSent` (a request).
 * - `change()`: a public field below may have changed.
 * - `refused(entry)`: the server does not let the user in so.
 * - `ended(entry)`: the stay is over, by the user's own wish when there is no entry.
 */
class Client {
	/** `out`, `connecting`, `refused` (another name may do), `in`, or `waiting` for so many seconds. */
	state = "out";
	seconds = 0;
	name = "";
	room = MAIN;
	topic = "";
	/** Who is in the room, in order of entry. */
	users = new Set();
	/** How many are in each room. */
	rooms = new Map();
	/** Requests with a text that the server perhaps never had. */
	unsent = [];

	/** The servers. The one tried last stands at the end. */
	#addresses;
	/** How many are still tried before the next wait. */
	#left = 0;
	#hears;
	#socket = null;
	#secret = "";
	/** Whether the user was in before. */
	#wasIn = false;
	#isLeaving = false;
	#since = 0;
	#wait = FIRST_WAIT_MS;
	#timer = 0;
	#fences = 0;
	/** Requests that are not answered yet, as `{ request, byUser }`. Answers come in their order. */
	#open = [];
	/** The list whose rows come at the moment. */
	#list = null;
	/** The place behind all that was seen: a time, and lines behind it. */
	#position = null;
	/** Whether it was told since the last gap, so that each event goes one line on. */
	#isPlaced = false;
	/** What came while lines said before are on their way, to be shown behind those. */
	#held = null;
	/** Why the server is about to close. */
	#lastWord;

	constructor(addresses, hears) {
		this.#addresses = addresses;
		this.#hears = hears;
	}

	/** Logs in, and goes on to a room. `isBack`: after a reload, when the name may still be taken. */
	login(name, room, secret, isBack) {
		// The form in which the server shows names.
		this.name = name.normalize();
		this.room = room.normalize() || MAIN;
		this.#secret = secret;
		this.#wasIn = isBack;
		this.#isLeaving = false;
		if (this.state !== "refused") return this.#connect();
		this.#become("connecting");
		this.#greet();
	}

	request(request) {
		if (this.state === "in") return this.#ask([request], true);
		if (hasText(request)) this.unsent.push(request);
		this.#hears.show({ kind: hasText(request) ? "kept" : "notSent", text: request });
	}

	resend() {
		for (const request of this.unsent.splice(0)) this.request(request);
	}

	askRooms() {
		if (this.state === "in") this.#ask(["rooms"]);
	}

	/** The machine may have slept: is the connection still one? */
	wake() {
		if (this.state === "in") this.#askForLife();
		if (this.state === "waiting") this.#connect();
	}

	leave() {
		this.#isLeaving = true;
		if (this.state !== "in") return this.#end();
		this.#socket.send("logout\n");
		this.#after(FIRST_WAIT_MS, () => this.#lose());
	}

	#connect() {
		this.#left = (this.#left || this.#addresses.length) - 1;
		this.#addresses.push(this.#addresses.shift());
		const socket = new WebSocket(this.#addresses.at(-1));
		this.#socket = socket;
		socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
		socket.onclose = () => socket === this.#socket && this.#lose();
		this.#after(ANSWER_MS, () => this.#lose());
		this.#become("connecting");
	}

	/** A browser may take a minute to find a connection closed. */
	#disconnect() {
		clearTimeout(this.#timer);
		const socket = this.#socket;
		this.#socket = null;
		socket?.close();
		const lost = this.#open.splice(0).filter(({ request, byUser }) => byUser && hasText(request));
		this.unsent.push(...lost.map(({ request }) => request));
		this.#list = null;
		this.#release();
	}

	#lose() {
		this.#disconnect();
		const why = this.#lastWord;
		if (this.#isLeaving || ["kicked", "banned"].includes(why?.kind)) return this.#end(why);
		if (this.state === "connecting" && this.#left && why?.kind !== "nameRefused") return this.#connect();
		if (!this.#wasIn) {
			if (this.state === "connecting") this.#hears.refused(why ?? { kind: "unreachable" });
			return this.#become("out");
		}
		// A server that drops one again at once is not to be asked every second.
		const hasLasted = this.state === "in" && Date.now() - this.#since >= LONGEST_WAIT_MS;
		const longest = hasLasted ? FIRST_WAIT_MS : this.#wait;
		this.#wait = Math.min(longest * 2, LONGEST_WAIT_MS);
		// Not all come back at the same moment.
		const wait = longest * (1 - Math.random() / 2);
		this.seconds = Math.ceil(wait / 1000);
		this.#after(wait, () => this.#connect());
		this.#become("waiting");
	}

	#end(why) {
		this.#disconnect();
		this.#wasIn = false;
		this.#wait = FIRST_WAIT_MS;
		this.#position = null;
		this.#become("out");
		this.#hears.ended(this.#isLeaving ? undefined : why);
	}

	#become(state) {
		this.state = state;
		this.#lastWord = undefined;
		this.#hears.change();
	}

	#after(milliseconds, act) {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(act, milliseconds);
	}

	/** Sends requests, and a ping, whose answer comes behind theirs. */
	#ask(requests, byUser = false) {
		const all = requests.map((request) => ({ request, byUser }));
		if (![...this.#open, ...all].some(isFence)) all.push({ request: `ping ${this.#fence()}` });
		this.#open.push(...all);
		this.#socket.send(all.map(({ request }) => request + "\n").join(""));
	}

	#fence() {
		return FENCE + ++this.#fences;
	}

	#askForLife() {
		this.#ask([`ping ${this.#fence()}`]);
		this.#after(ANSWER_MS, () => this.#lose());
	}

	#receive(data) {
		if (this.state === "in" && !this.#isLeaving) this.#after(SILENCE_MS, () => this.#askForLife());
		for (const line of data.split("\n").slice(0, -1)) this.#take(parse(line));
		this.#hears.change();
	}

	#take(entry) {
		if (this.state !== "in") return this.#takeOutside(entry);
		if (this.#list && !this.#takeRow(entry)) this.#endList();
		if (entry.kind in EVENTS) {
			this.#see(entry);
			if (this.#isPlaced) this.#position[1] += 1;
			if (this.#held?.live.length >= HELD) this.#release();
			this.#held ? this.#held.live.push(entry) : this.#hears.show(entry);
		} else if (this.#isForUser(entry)) {
			this.#hears.show(entry);
		}
	}

	#takeOutside(entry) {
		if (entry.kind === "greeting") return this.#greet();
		if (entry.kind === "login") return this.#enter();
		// The secret goes only to a server that asks for it.
		if (entry.kind === "password" && entry.text === "Required" && this.#secret) return this.#greet(` ${this.#secret}`);
		this.#lastWord = entry;
		if (!["nameRefused", "password", "banned"].includes(entry.kind)) return;
		if (this.#wasIn && entry.text === "Exist") {
			// By the lost connection, most likely.
			this.#hears.show({ kind: "stillTaken", text: this.name });
			return this.#lose();
		}
		if (this.#wasIn) return this.#end(entry);
		// The connection stays, for the next try.
		clearTimeout(this.#timer);
		this.#become("refused");
		this.#hears.refused(entry);
	}

	#greet(secret = "") {
		this.#socket.send(`login ${this.name}${secret}\n`);
		this.#after(ANSWER_MS, () => this.#lose());
	}

	#enter() {
		this.#become("in");
		this.#wasIn = true;
		this.#since = Date.now();
		if (this.room !== MAIN) this.#ask([`join ${this.room}`]);
		this.#lookAround();
		this.#after(SILENCE_MS, () => this.#askForLife());
	}

	#lookAround() {
		const fence = this.#fence();
		this.#held = { fence, live: [], rows: [], inRows: 0 };
		this.#isPlaced = false;
		const past = this.#position ? `since ${this.#position.join("+")}` : `history ${LATEST}`;
		this.#ask([past, `ping ${fence}`, "since", "look", "topic", "rooms"]);
	}

	/** Shows what was said before, if it has come, and then what was held back. */
	#release() {
		const { live, rows, inRows } = this.#held ?? { live: [], rows: [] };
		this.#held = null;
		// What came before the answer stands at its end.
		for (let at = inRows; at > 0 && rows.at(-1)?.text === live[at - 1].line; at--) rows.pop();
		for (const { time, text } of rows) {
			const lost = this.unsent.findIndex((request) => echoOf(request, this.name) === text);
			if (lost >= 0) this.unsent.splice(lost, 1);
			const entry = parse(text);
			// Live, one does not see oneself come and go.
			const isOwnWay = entry.name === this.name && ["entered", "left"].includes(entry.kind);
			if (!isOwnWay) this.#hears.show({ ...entry, time });
		}
		live.forEach((entry) => this.#hears.show(entry));
	}

	#see({ kind, name, text }) {
		if (kind === "entered") this.users.add(name);
		if (kind === "left") this.users.delete(name);
		if (kind === "topicSet") this.topic = text;
		if (kind === "renamed") {
			this.users = new Set([...this.users].map((user) => (user === name ? text : user)));
			if (name === this.name) this.name = text;
		}
	}

	/** Learns from a reply, and says whether the user shall see it. */
	#isForUser(entry) {
		const { kind, text } = entry;
		switch (kind) {
			case "joined":
				return this.#joined();
			case "roomRefused":
				// There is no way back to the room.
				if (!this.#answered(/^join /)?.byUser) this.room = MAIN;
				return true;
			case "renamedMe":
				// A secret may follow the name.
				this.name = this.#answered(/^rename /)?.request.split(" ")[1].normalize() ?? this.name;
				return true;
			case "nameRefused":
				return this.#answered(/^rename/) !== undefined;
			case "kicked":
			case "banned":
				// Of who asked for another name a ban refuses that name alone.
				if (kind === "kicked" || !this.#answered(/^rename /)) this.#lastWord = entry;
				return true;
			case "missed":
				// Somebody may have come or gone meanwhile.
				this.#isPlaced = false;
				this.#ask(["since", "look"]);
				return true;
			case "topic":
				this.topic = text;
				return this.#answered(/^topic *$/)?.byUser ?? true;
			case "position":
				this.#position = [entry.time, Number(text)];
				this.#isPlaced = true;
				return this.#answered(/^since *$/)?.byUser;
			case "look":
			case "rooms":
			case "history": {
				const asked = { look: /^look/, rooms: /^rooms/, history: /^(history|since .)/ };
				const { byUser, request } = this.#answered(asked[kind]) ?? {};
				this.#list = { kind, rows: [], byUser };
				// An answer to `since` has nothing that was seen.
				if (this.#held && !byUser && request?.startsWith("history")) this.#held.inRows = this.#held.live.length;
				return byUser;
			}
			case "pong":
				return this.#passFence(text);
		}
		return !(this.#list && !this.#list.byUser);
	}

	/** Takes out the first open request of this form: its answer has come. */
	#answered(form) {
		const at = this.#open.findIndex(({ request }) => form.test(request));
		return at < 0 ? undefined : this.#open.splice(at, 1)[0];
	}

	/** Whether the entry is a row of the list that comes at the moment. */
	#takeRow(entry) {
		const forms = { look: /^other [^ ]+$/, rooms: /^other [^ ]+ \d+$/, history: /^(earlier|missed) / };
		const isRow = forms[this.#list.kind].test(`${entry.kind} ${entry.line}`);
		if (isRow && entry.kind !== "missed") this.#list.rows.push(entry);
		return isRow;
	}

	#endList() {
		const { kind, rows, byUser } = this.#list;
		this.#list = null;
		const lines = rows.map((row) => row.line);
		if (kind === "look") this.users = new Set(lines);
		if (kind === "rooms") this.rooms = new Map(lines.map(splitWord));
		// As it is written there.
		const room = [...this.rooms.keys()].find((room) => room.toLowerCase() === this.room.toLowerCase());
		this.room = room ?? this.room;
		if (kind === "history" && !byUser && this.#held) this.#held.rows = rows;
	}

	#joined() {
		const join = this.#answered(/^join /);
		if (!join?.byUser) return false;
		this.room = splitWord(join.request)[1];
		this.#release();
		this.#position = null;
		this.#hears.show({ kind: "moved", text: this.room });
		this.#lookAround();
		return false;
	}

	/** All that was sent before this ping is answered. */
	#passFence(token) {
		if (!token.startsWith(FENCE)) return true;
		const at = this.#open.findIndex(({ request }) => request === `ping ${token}`);
		this.#open.splice(0, at + 1);
		if (this.#open.length && !this.#open.some(isFence)) this.#ask([]);
		if (token === this.#held?.fence) this.#release();
		return false;
	}

	/** Whether what was missed is on its way, and perhaps what seems lost too. */
	get isCatchingUp() {
		return this.#held !== null;
	}
}

function isFence({ request }) {
	return request.startsWith(`ping ${FENCE}`);
}
