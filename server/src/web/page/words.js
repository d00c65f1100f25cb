"use strict";

// Every word of the page in English and Chinese. `{0}` and `{1}` stand for what a sentence is about.

const WORDS = {
	title: ["Chat", "聊天室"],
	intro: ["Choose a name, and you are in the room with everybody else.", "取一个名字，就能和大家一起聊天。"],
	name: ["Your name", "你的名字"],
	room: ["Room", "房间"],
	password: ["Password", "密码"],
	enter: ["Enter", "进入"],
	rooms: ["Rooms", "房间"],
	people: ["People here", "在场的人"],
	places: ["Rooms and people", "房间和人"],
	otherRoom: ["Another room", "其他房间"],
	go: ["Go", "前往"],
	leave: ["Leave", "离开"],
	log: ["What is said", "聊天记录"],
	sayAs: ["Say something as {0}", "以 {0} 的身份说点什么"],
	send: ["Send", "发送"],
	cancel: ["Cancel", "取消"],
	newLines: ["New lines below", "下面有新消息"],
	you: ["you", "你"],
	writeTo: ["Write to {0} alone", "只对 {0} 说"],
	answer: ["Answer", "回复"],
	pasteTitle: ["Send {0} lines, one after the other?", "要逐行发送这 {0} 行吗？"],
	// Why one cannot come in. These have the server's words as their names.
	Empty: ["Please give a name.", "请填写名字。"],
	Exist: ["Somebody has this name, or one that looks the same.", "这个名字或看起来一样的名字已有人使用。"],
	nameRefused: ["This cannot be a name: {0}.", "不能用作名字：{0}。"],
	Required: ["This name needs a password here.", "使用这个名字需要密码。"],
	Wrong: ["The password is wrong.", "密码不对。"],
	banned: ["You are kept out for {0} minutes.", "你在 {0} 分钟内不能进入。"],
	kicked: ["An operator put you out: {0}", "管理员请你离开了：{0}"],
	unreachable: ["The server cannot be reached. It may be full, or not running.", "连不上服务器，可能人数已满或没有运行。"],
	other: ["The server says: {0}", "服务器说：{0}"],
	// The connection.
	connecting: ["Connecting …", "正在连接……"],
	lost: ["The connection is lost. Trying again in {0} s.", "连接断开了，{0} 秒后重试。"],
	stillTaken: ["The name {0} is still taken, perhaps by your lost connection.", "名字 {0} 还被占用着，可能是刚才断开的连接。"],
	gap: ["Before this there may be more that you missed.", "在这之前可能还有你错过的消息。"],
	missed: ["{0} lines came too fast for you and are not shown.", "有 {0} 行来得太快，没有显示。"],
	kept: ["Not connected; kept for later: {0}", "没有连接，先留着：{0}"],
	notSent: ["Not connected; not sent: {0}", "没有连接，没有发送：{0}"],
	unsent: ["Perhaps nobody has seen:", "可能没有人看到："],
	resend: ["Send again", "重新发送"],
	discard: ["Throw away", "丢弃"],
	// The room.
	moved: ["You are in {0} now.", "你现在在 {0}。"],
	entered: ["{0} has entered the room.", "{0} 进入了房间。"],
	left: ["{0} has left the room.", "{0} 离开了房间。"],
	renamed: ["{0} is now known as {1}.", "{0} 改名为 {1}。"],
	topicSet: ["{0} set the topic: ", "{0} 把话题设为："],
	privateFrom: ["{0} to you alone: ", "{0} 只对你说："],
	privateTo: ["You to {0} alone: ", "你只对 {0} 说："],
};
const LANGUAGE = navigator.language.startsWith("zh") ? "zh" : "en";

function words(key, ...values) {
	const text = WORDS[key][LANGUAGE === "zh" ? 1 : 0];
	return text.replace(/\{(\d)\}/g, (_, at) => values[at]);
}

// Each element that asks for words gets some, as its text or as its label.
document.documentElement.lang = LANGUAGE;
for (const element of document.querySelectorAll("[data-words]")) element.textContent = words(element.dataset.words);
for (const element of document.querySelectorAll("[data-label]")) {
	element.ariaLabel = element.placeholder = words(element.dataset.label);
}
