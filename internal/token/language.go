package token

import (
	"strconv"
	"strings"
)

// description is what the page says of an outcome.
type description struct {
	Good        bool
	Title, Text string
	Do          string // what to do now, commands in backquotes; "": nothing
}

// language is the page in one language.
type language struct {
	Lang      string // as HTML names it
	Of, Close string
	Outcomes  map[string]description
}

// languageOf is the language that a browser prefers of those that there are; English,
// where it names neither.
func languageOf(accept string) language {
	best, chosen := 0.0, english
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // 0 where it cannot be read
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		for _, l := range []language{english, russian} {
			if l.Lang == primary && weight > best {
				best, chosen = weight, l
			}
		}
	}
	return chosen
}

var english = language{
	Lang: "en", Of: "integration", Close: "You can close this window.",
	Outcomes: map[string]description{
		LoginDone: {
			true, "You are logged in",
			"Fonoteka can now ask the telephone system for its numbers and workplaces, and fetch recordings that want a login. It renews this access by itself.", "",
		},
		outcomeDenied: {
			false, "The operator gave no access",
			"The login page was left, or the operator refused the access.",
			"Begin again with `fonoteka auth login`. If it happens again, look in the operator's cabinet whether the integration is active.",
		},
		outcomeExpired: {
			false, "This login took too long",
			"A login has to be finished within 15 minutes.", "Begin again with `fonoteka auth login`.",
		},
		outcomeForeign: {
			false, "This login was not begun here",
			"The address belongs to no login that Fonoteka has begun, or to one that is finished. Nothing was changed.",
			"Begin with `fonoteka auth login`, and open the address that it prints, once.",
		},
		outcomeRefused: {
			false, "The operator refused the login",
			"It did not accept the client id, the client secret or the code.",
			"Compare the client id, the secret and the redirect URI with the operator's cabinet, and begin again with `fonoteka auth login`. The log of Fonoteka has the operator's answer.",
		},
		outcomeUnreachable: {
			false, "The operator does not answer",
			"You have logged in at the operator, but Fonoteka could not reach it to take the access over.",
			"Begin again with `fonoteka auth login` in some minutes. The log of Fonoteka has the reason.",
		},
		outcomeFailed: {
			false, "Fonoteka could not finish the login",
			"The access could not be stored.", "Look in the log of Fonoteka for the reason – a full disk, perhaps – and begin again with `fonoteka auth login`.",
		},
	},
}

var russian = language{
	Lang: "ru", Of: "интеграция", Close: "Это окно можно закрыть.",
	Outcomes: map[string]description{
		LoginDone: {
			true, "Вход выполнен",
			"Теперь Фонотека может запрашивать у телефонной системы номера и рабочие места и скачивать записи, для которых нужен вход. Доступ она продлевает сама.", "",
		},
		outcomeDenied: {
			false, "Оператор не дал доступа",
			"Страница входа была закрыта, или оператор отказал в доступе.",
			"Начните заново: `fonoteka auth login`. Если это повторится, проверьте в кабинете оператора, включена ли интеграция.",
		},
		outcomeExpired: {
			false, "Вход занял слишком много времени",
			"Вход нужно завершить за 15 минут.", "Начните заново: `fonoteka auth login`.",
		},
		outcomeForeign: {
			false, "Этот вход был начат не здесь",
			"Адрес не относится ни к одному входу, начатому Фонотекой, или относится к уже завершённому. Ничего не изменено.",
			"Начните с команды `fonoteka auth login` и откройте адрес, который она напечатает, один раз.",
		},
		outcomeRefused: {
			false, "Оператор отклонил вход",
			"Он не принял идентификатор клиента, секрет клиента или код.",
			"Сверьте идентификатор, секрет и redirect URI с кабинетом оператора и начните заново: `fonoteka auth login`. Ответ оператора есть в журнале Фонотеки.",
		},
		outcomeUnreachable: {
			false, "Оператор не отвечает",
			"Вы вошли у оператора, но Фонотека не смогла связаться с ним, чтобы получить доступ.",
			"Начните заново через несколько минут: `fonoteka auth login`. Причина указана в журнале Фонотеки.",
		},
		outcomeFailed: {
			false, "Фонотека не смогла завершить вход",
			"Доступ не удалось сохранить.", "Посмотрите причину в журнале Фонотеки – возможно, переполнен диск – и начните заново: `fonoteka auth login`.",
		},
	},
}
