package playback

import (
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fonoteka/internal/call"
)

// notice is what a page says, in both languages.
type notice struct{ ru, en words }

type words struct {
	Title  string
	Next   string // what happens next, or what to do
	Detail string // why, for who runs the program
}

var (
	needsPassword = notice{
		words{Title: "Нужен пароль", Next: "Записи разговоров открываются по паролю. Его знает администратор Fonoteka."},
		words{Title: "A password is needed", Next: "Recordings open with a password. Who runs Fonoteka knows it."},
	}
	tooManyPasswords = notice{
		words{Title: "Слишком много неверных паролей", Next: "С этого адреса пришло много неверных паролей подряд. Подождите минуту и откройте эту страницу ещё раз."},
		words{Title: "Too many wrong passwords", Next: "Many wrong passwords came from this address. Wait a minute and open this page again."},
	}
	noSuchRecording = notice{
		words{Title: "Такой записи нет", Next: "Ни одна запись не имеет такого номера. Проверьте, целиком ли скопирована ссылка."},
		words{Title: "There is no such recording", Next: "No recording has this id. See whether the link was copied whole."},
	}
	notAsArchived = notice{
		words{Title: "Запись в хранилище повреждена или пропала", Next: "Файл не совпадает с тем, что был сохранён. Сообщите администратору Fonoteka: команда fonoteka scrub показывает, что случилось, и восстанавливает файл из копии."},
		words{Title: "The recording is damaged or gone from the store", Next: "The file is not what was stored. Tell who runs Fonoteka: fonoteka scrub shows what happened, and restores it from a copy."},
	}
	notNow = notice{
		words{Title: "Сейчас запись открыть нельзя", Next: "Хранилище не отвечает. Запись не потеряна: попробуйте через минуту."},
		words{Title: "The recording cannot be opened now", Next: "The store does not answer. Nothing is lost: try again in a minute."},
	}
)

// whyAbsent says why a recording is not in the archive, and what comes next.
func whyAbsent(r call.RecordingStatus) notice {
	n := notice{words{Detail: why(r)}, words{Detail: r.Reason()}}
	switch r.State {
	case call.Refused:
		n.ru.Title, n.en.Title = "Запись не скачана: это запрещено настройками", "The recording was not fetched: the configuration forbids it"
		n.ru.Next, n.en.Next = "Администратор Fonoteka может разрешить адрес, с которого она скачивается; тогда она скачается сама.", "Who runs Fonoteka can allow the address that it comes from; then it is fetched by itself."
	case call.Expired:
		n.ru.Title, n.en.Title = "Записи больше нет", "The recording is gone"
		n.ru.Next, n.en.Next = "Оператор удалил её раньше, чем её удалось скачать. Спросите копию у оператора.", "The operator deleted it before it could be fetched. Ask the operator for a copy."
		return n
	case call.Erased:
		n.ru.Title, n.en.Title = "Запись стёрта", "The recording was erased"
		n.ru.Next, n.en.Next = "Её удалили из архива намеренно; вернуть её нельзя.", "It was deleted from the archive on purpose; it cannot be had back."
		return n
	case call.Quarantined:
		n.ru.Title, n.en.Title = "Запись пришла повреждённой", "The recording came damaged"
		if r.Lost() {
			n.ru.Next, n.en.Next = "Оператор удалил её; то, что пришло, хранится в карантине, и администратор Fonoteka может его достать.", "The operator has deleted it; what came is kept in quarantine, where who runs Fonoteka can get at it."
			return n
		}
	case call.Announced:
		n.ru.Title, n.en.Title = "Запись ещё не скачана", "The recording has not been fetched yet"
	default:
		n.ru.Title, n.en.Title = "Запись пока не удалось скачать", "The recording could not be fetched so far"
	}
	if r.State != call.Refused {
		n.ru.Next, n.en.Next = nextTry(r)
	}
	if !r.ExpiresAt.IsZero() {
		until := clock(r.ExpiresAt)
		n.ru.Next += " Оператор хранит её примерно до " + until + "."
		n.en.Next += " The operator keeps it until about " + until + "."
	}
	return n
}

// faulty says what is known to be wrong with an archived recording.
func faulty(r call.RecordingStatus) notice {
	n := notAsArchived
	n.ru.Detail, n.en.Detail = why(r), r.Reason()
	return n
}

// why is what r.Reason says, in Russian and in short: the code's words, with the
// server and its answer.
func why(r call.RecordingStatus) string {
	said := r.Code().Words().RU
	if said == "" {
		return r.Note
	}
	var about []string
	if r.Failure.Host != "" {
		about = append(about, r.Failure.Host)
	}
	if r.Failure.HTTPStatus != 0 {
		about = append(about, "ответ "+strconv.Itoa(r.Failure.HTTPStatus))
	}
	if r.Failure.GotBytes > 0 && r.Failure.WantBytes > 0 {
		about = append(about, fmt.Sprintf("%d из %d байт", r.Failure.GotBytes, r.Failure.WantBytes))
	}
	if len(about) > 0 {
		said += " (" + strings.Join(about, ", ") + ")"
	}
	return said
}

func nextTry(r call.RecordingStatus) (ru, en string) {
	if r.NextAttemptAt.IsZero() {
		return "Она скачивается сама, обычно за минуту. Откройте эту страницу ещё раз.", "It is fetched by itself, mostly within a minute. Open this page again."
	}
	at := clock(r.NextAttemptAt)
	return "Следующая попытка – " + at + ". Откройте эту страницу позже.", "The next try is at " + at + ". Open this page again later."
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// statusOf is 404 while a recording may still come, and 410 when it will not.
func statusOf(r call.RecordingStatus) int {
	if r.Lost() || r.State == call.Erased {
		return http.StatusGone
	}
	return http.StatusNotFound
}

var layout = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>body{font:17px/1.5 system-ui,sans-serif;max-width:34em;margin:14vh auto;padding:0 1.2em;color:#222;background:#fff}
h1{font-size:1.35em;line-height:1.25}small{color:#666}</style></head>
<body><h1>{{.Title}}</h1><p>{{.Next}}</p>{{with .Detail}}<p><small>{{.}}</small></p>{{end}}</body></html>
`))

// page answers with a notice in the reader's language: Russian where the browser
// prefers it, else English.
func page(w http.ResponseWriter, r *http.Request, status int, n notice) {
	lang, said := "en", n.en
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "ru") {
		lang, said = "ru", n.ru
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(status)
	_ = layout.Execute(w, struct {
		Lang string
		words
	}{lang, said}) // who has gone reads nothing
}
