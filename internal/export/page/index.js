"use strict";
// Lists, filters and plays the calls of a package. Works from a disk: it asks nobody for
// anything but the files of its own folder. Text of the data is only ever set as text.
var F = (function () {
  var PAGE = 100;
  var calls = [], meta = {}, shown = [], page = 0, lang = "ru", playing = null;

  // What a row of the data holds, by place.
  var C = { started: 0, utc: 1, direction: 2, outcome: 3, client: 4, company: 5, employee: 6, department: 7, wait: 8, talk: 9, files: 10, missing: 11, id: 12, caller: 13, callee: 14 };

  var WORDS = {
    ru: {
      title: "Дело", search: "Номер, сотрудник, отдел", from: "С даты", to: "По дату", direction: "Направление", outcome: "Итог", recording: "Запись", reset: "Сбросить",
      all: "все", withRecording: "есть запись", withoutRecording: "нет записи", missing: "записи не хватает",
      incoming: "входящий", outgoing: "исходящий", internal: "внутренний", unknown: "неизвестно",
      answered: "отвечен", missed: "пропущен", abandoned: "сброшен звонившим", no_answer: "без ответа",
      heads: ["Начало", "Направление и итог", "Клиент", "Номер компании", "Сотрудник", "Ожидание", "Разговор", "Запись"],
      count: function (n, all) { return "Показано звонков: " + n + " из " + all; },
      page: function (p, n) { return "Страница " + p + " из " + n; }, back: "← Назад", next: "Вперёд →",
      none: "Ни один звонок не подходит под фильтры.", hidden: "скрыт", play: "Слушать", stop: "Пауза", noRecording: "записи нет",
      facts: function (m) { return "Звонков " + m.calls + ", записей " + m.recordings + ". Время – " + m.zone + ". Отобрано " + m.fixed + "."; },
      foot: "Страница показывает содержимое calls.jsonl и recordings.csv этого пакета и сама ничего не доказывает. Как проверить, что пакет не изменён, написано в READ-ME.ru.txt.",
      states: {"no-recording": "оператор не объявлял", announced: "ещё не загружена", retrying: "загрузка повторяется", missing: "у оператора её пока нет", refused: "загрузка запрещена настройкой", expired: "оператор удалил до загрузки", quarantined: "звук повреждён", erased: "стёрта", altered: "в хранилище не та, что в каталоге", absent: "исчезла из хранилища", unreadable: "хранилище не отдаёт", unknown: "нет в каталоге"},
      failed: "Файл записи не открылся. Если пакет – архив, сначала распакуйте его целиком."
    },
    en: {
      title: "Case", search: "Number, employee, department, id", from: "From", to: "To", direction: "Direction", outcome: "Outcome", recording: "Recording", reset: "Reset",
      all: "all", withRecording: "with a recording", withoutRecording: "without one", missing: "missing one",
      incoming: "incoming", outgoing: "outgoing", internal: "internal", unknown: "unknown",
      answered: "answered", missed: "missed", abandoned: "abandoned", no_answer: "no answer",
      heads: ["Started", "Direction and outcome", "Client", "Company's number", "Employee", "Wait", "Talk", "Recording"],
      count: function (n, all) { return "Calls shown: " + n + " of " + all; },
      page: function (p, n) { return "Page " + p + " of " + n; }, back: "← Back", next: "Next →",
      none: "No call matches the filters.", hidden: "hidden", play: "Play", stop: "Pause", noRecording: "no recording",
      facts: function (m) { return "Calls " + m.calls + ", recordings " + m.recordings + ". Times are of " + m.zone + ". Selected " + m.fixed + "."; },
      foot: "This page shows what calls.jsonl and recordings.csv of this package hold, and proves nothing itself. How to check that the package was not altered stands in READ-ME.en.txt.",
      states: {"no-recording": "none was announced", announced: "not fetched yet", retrying: "fetching is tried again", missing: "the operator does not have it yet", refused: "settings forbid the fetch", expired: "deleted by the operator before it was fetched", quarantined: "the audio is damaged", erased: "erased", altered: "what is stored is not what the catalogue says", absent: "gone from the store", unreadable: "the store does not give it back", unknown: "not in the catalogue"},
      failed: "The recording's file could not be opened. If the package is an archive, unpack all of it first."
    }
  };

  function $(id) { return document.getElementById(id); }
  function w(key) { return WORDS[lang][key]; }
  function word(code) { var s = WORDS[lang][code]; return typeof s === "string" ? s : code; }
  function el(tag, cls, text) {
    var e = document.createElement(tag);
    if (cls) e.className = cls;
    if (text !== undefined && text !== null) e.textContent = text;
    return e;
  }
  function lasts(ms) {
    if (ms === null) return "–";
    var s = Math.round(ms / 1000), h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60);
    function two(n) { return (n < 10 ? "0" : "") + n; }
    return (h ? h + ":" + two(m) : m) + ":" + two(s % 60);
  }
  function number(s) {
    if (!s) return w("hidden");
    var m = /^7(\d{3})(\d{3})(\d{2})(\d{2})$/.exec(s);
    return m ? "+7 " + m[1] + " " + m[2] + "-" + m[3] + "-" + m[4] : s;
  }
  function options(select, values, say) {
    var was = select.value;
    select.textContent = "";
    values.forEach(function (v) {
      var o = el("option", "", v === "" ? w("all") : say(v));
      o.value = v;
      select.appendChild(o);
    });
    select.value = was;
    if (select.selectedIndex < 0) select.value = "";
  }
  function there(place) {
    var seen = {};
    calls.forEach(function (c) { seen[c[place]] = true; });
    return [""].concat(Object.keys(seen).sort());
  }

  function speak(l) {
    lang = l;
    document.documentElement.lang = l;
    $("lang-ru").setAttribute("aria-pressed", String(l === "ru"));
    $("lang-en").setAttribute("aria-pressed", String(l === "en"));
    document.title = w("title") + " " + meta.case;
    $("title").textContent = w("title") + " " + meta.case;
    $("facts").textContent = w("facts")(meta);
    $("foot").textContent = w("foot");
    $("back").textContent = w("back");
    $("next").textContent = w("next");
    $("empty").textContent = w("none");
    document.querySelectorAll("[data-say]").forEach(function (e) { e.textContent = w(e.getAttribute("data-say")); });
    options($("direction"), there(C.direction), word);
    options($("outcome"), there(C.outcome), word);
    options($("recording"), ["", "withRecording", "withoutRecording", "missing"], w);
    var head = $("head");
    head.textContent = "";
    w("heads").forEach(function (h, i) { var th = el("th", i === 5 || i === 6 ? "lasts" : "", h); th.scope = "col"; head.appendChild(th); });
    draw();
    tellPlaying();
  }

  function filter() {
    var text = $("text").value.trim().toLowerCase(), digits = text.replace(/[\s()+-]/g, "");
    if (/^8\d{10}$/.test(digits)) digits = "7" + digits.slice(1);
    var from = $("from").value, to = $("to").value, direction = $("direction").value, outcome = $("outcome").value, recording = $("recording").value;
    shown = calls.filter(function (c) {
      var day = c[C.started].slice(0, 10);
      if (from && day < from || to && day > to) return false;
      if (direction && c[C.direction] !== direction || outcome && c[C.outcome] !== outcome) return false;
      if (recording === "withRecording" && !c[C.files].length || recording === "withoutRecording" && c[C.files].length || recording === "missing" && !c[C.missing]) return false;
      if (!text) return true;
      if (/^\d+$/.test(digits)) return c[C.client].indexOf(digits) >= 0 || c[C.company].indexOf(digits) >= 0 || c[C.id].indexOf(digits) >= 0;
      return (c[C.employee] + "\n" + c[C.department] + "\n" + c[C.caller] + "\n" + c[C.callee]).toLowerCase().indexOf(text) >= 0;
    });
    page = 0;
    draw();
  }

  function draw() {
    var pages = Math.max(1, Math.ceil(shown.length / PAGE)), rows = $("rows");
    rows.textContent = "";
    shown.slice(page * PAGE, (page + 1) * PAGE).forEach(function (c) { rows.appendChild(row(c)); });
    $("count").textContent = w("count")(shown.length, calls.length);
    $("page").textContent = w("page")(page + 1, pages);
    $("back").disabled = page === 0;
    $("next").disabled = page >= pages - 1;
    $("empty").hidden = shown.length > 0;
  }

  function row(c) {
    var tr = el("tr", playing && playing.call === c ? "playing" : ""), td;
    td = el("td", "when", c[C.started]); td.title = c[C.utc] + " UTC"; tr.appendChild(td);
    td = el("td"); td.appendChild(el("span", "", word(c[C.direction]))); td.appendChild(el("span", "small " + (c[C.outcome] === "answered" ? "good" : "bad"), word(c[C.outcome]))); tr.appendChild(td);
    if (c[C.direction] === "internal") { td = el("td", "", c[C.caller] || "–"); td.appendChild(el("span", "small", "→ " + (c[C.callee] || "–"))); }
    else td = el("td", "number", number(c[C.client]));
    tr.appendChild(td);
    tr.appendChild(el("td", "number", c[C.company] ? number(c[C.company]) : "–"));
    td = el("td", "who", c[C.employee] || "–"); if (c[C.department]) td.appendChild(el("span", "small", c[C.department])); tr.appendChild(td);
    tr.appendChild(el("td", "lasts", lasts(c[C.wait])));
    tr.appendChild(el("td", "lasts", c[C.talk] ? lasts(c[C.talk]) : "–"));
    td = el("td");
    c[C.files].forEach(function (f) {
      var on = playing && playing.file === f[0] && !$("audio").paused;
      var b = el("button", "play" + (on ? " stop" : ""), (on ? "❚❚ " : "▶ ") + (f[1] ? lasts(f[1]) : w(on ? "stop" : "play")));
      b.title = w(on ? "stop" : "play");
      b.setAttribute("aria-label", b.title + (f[1] ? " " + lasts(f[1]) : ""));
      b.type = "button";
      b.onclick = function () { play(c, f[0]); };
      td.appendChild(b);
    });
    if (c[C.missing]) td.appendChild(el("span", "small bad", w("noRecording") + ": " + (w("states")[c[C.missing]] || c[C.missing])));
    tr.appendChild(td);
    return tr;
  }

  function play(c, file) {
    var a = $("audio");
    if (playing && playing.file === file) { if (a.paused) a.play(); else a.pause(); return; }
    playing = { call: c, file: file, failed: false };
    $("player").hidden = false;
    a.src = file;
    a.play().catch(function () {});
    tellPlaying();
    draw();
  }
  function tellPlaying() {
    if (!playing) return;
    var c = playing.call, who = c[C.direction] === "internal" ? c[C.caller] + " → " + c[C.callee] : number(c[C.client]);
    $("now").textContent = playing.failed ? w("failed") + " (" + playing.file + ")" : c[C.started] + " · " + who + (c[C.employee] ? " · " + c[C.employee] : "") + " · " + playing.file;
  }

  function start() {
    ["text", "from", "to", "direction", "outcome", "recording"].forEach(function (id) { $(id).addEventListener("input", filter); });
    $("filters").addEventListener("submit", function (e) { e.preventDefault(); });
    $("filters").addEventListener("reset", function () { setTimeout(filter, 0); });
    $("back").onclick = function () { page--; draw(); };
    $("next").onclick = function () { page++; draw(); };
    $("lang-ru").onclick = function () { speak("ru"); };
    $("lang-en").onclick = function () { speak("en"); };
    var a = $("audio");
    a.onplay = a.onpause = a.onended = function () { draw(); };
    a.onerror = function () { if (playing) { playing.failed = true; tellPlaying(); } };
    shown = calls;
    speak(/^en/i.test(location.hash.slice(1) || navigator.language || "ru") ? "en" : "ru");
  }

  return { meta: function (m) { meta = m; }, add: function (rows) { calls = calls.concat(rows); }, start: start };
})();
