package call

import "slices"

// Code says in a word what there is to say of a recording: why it is not in the
// archive, or what is odd about one that is. It is stored, so that a code keeps its
// spelling and its meaning for ever; a new meaning is a new code.
//
// Whoever decides, decides by codes and by the other fields of a RecordingStatus.
// Sentences are written from them (RecordingStatus.Reason), and nothing is read
// back out of a sentence.
type Code string

// What a try to fetch a recording met.
const (
	CodeNotFound         Code = "not_found"          // 404
	CodeTooEarly         Code = "too_early"          // 425
	CodeGone             Code = "gone"               // 410
	CodeLoginRequired    Code = "login_required"     // 401
	CodeLoginUnavailable Code = "login_unavailable"  // 401, and there is no token to answer it with
	CodeServerError      Code = "server_error"       // 5xx
	CodeUnexpectedAnswer Code = "unexpected_answer"  // any other answer but 200
	CodeRedirectNowhere  Code = "redirect_nowhere"   // a redirect without a readable target
	CodeRedirectLoop     Code = "redirect_loop"      // too many redirects
	CodeUnknownName      Code = "unknown_name"       // the name server says that there is no such name
	CodeLookupFailed     Code = "lookup_failed"      // the name server does not answer
	CodeBadCertificate   Code = "bad_certificate"    //
	CodeNoAnswer         Code = "no_answer"          // not in time
	CodeConnection       Code = "connection_refused" //
	CodePlainOnly        Code = "plain_only"         // a plain http link, whose server does not answer https
	CodeNoConnection     Code = "no_connection"      // for any other cause
	CodeStalled          Code = "stalled"            // no byte came for too long
	CodeTooSlow          Code = "too_slow"           // the whole takes too long
	CodeCut              Code = "cut"                // the transfer ended before its end
	CodeOverlong         Code = "overlong"           // more came than was announced
	CodeWrongPart        Code = "wrong_part"         // of a file whose rest was asked for
	CodeEmpty            Code = "empty"              // no byte
	CodeHTML             Code = "html"               // a web page
	CodeJSON             Code = "json"               // a JSON message
	CodeCompressed       Code = "compressed"         // a gzip file, which was not asked for; bytes are kept as they come
	CodeNotAudio         Code = "not_audio"          // something else
	CodeIncomplete       Code = "incomplete"         // came whole, but its last frames are missing
	CodeDamaged          Code = "damaged"            // there is something else amid the audio
	CodeUnverifiable     Code = "unverifiable"       // audio by its beginning, of which nothing here can tell whether it is whole
	CodeTooLarge         Code = "too_large"          // over our own limit
	CodeBadLink          Code = "bad_link"           // cannot be read
	CodeLinkWithUser     Code = "link_with_user"     // names a user
	CodeNotHTTPS         Code = "not_https"          //
	CodeRefusedHost      Code = "refused_host"       // a name that is not in our list
	CodeRefusedAddress   Code = "refused_address"    // an address that is not in our list
	CodeRefusedPort      Code = "refused_port"       // a name that is in our list, with another port
	CodePrivateAddress   Code = "private_address"    // the name leads to an address that is not public
	CodeOwnFailure       Code = "own_failure"        // this side fails on this recording, again and again
)

// What there is to say of an archived recording.
const (
	CodeAltered           Code = "altered"
	CodeAbsent            Code = "absent"
	CodeUnreadable        Code = "unreadable"
	CodeSidecarAltered    Code = "sidecar_altered"
	CodeSidecarAbsent     Code = "sidecar_absent"
	CodeSidecarUnreadable Code = "sidecar_unreadable"
	CodeBesideAltered     Code = "beside_altered"
	CodeBesideAbsent      Code = "beside_absent"
	CodeBesideUnreadable  Code = "beside_unreadable"
	CodeShort             Code = "short"             // it plays for less than its leg's talk took
	CodeShortAtOperator   Code = "short_at_operator" // likewise, and the operator's server has no other file
	CodeKeptBeside        Code = "kept_beside"       // the row names a copy of the first object
	CodeConflict          Code = "conflict"          // different files came for it
	CodeUnmeasured        Code = "unmeasured"        // the server did not say how long the file is
	CodeProxied           Code = "proxied"           // a proxy says that it has changed the file
	CodeTextBefore        Code = "text_before"       // there is text before the audio
	CodeTalkMismatch      Code = "talk_mismatch"     // it plays for longer than its call's talk took
	CodeCopy              Code = "copy"              // another link of its call brought the same file
	CodeNoted             Code = "noted"             // RecordingStatus.Note alone
)

// Words are what people read of a code, in a list or on a page.
type Words struct {
	Code   Code
	RU, EN string
}

// Codes gives the words of every code.
func Codes() []Words { return slices.Clone(words) }

// Words of a code; the code itself where a later version has written it.
func (c Code) Words() Words {
	for _, w := range words {
		if w.Code == c {
			return w
		}
	}
	return Words{c, string(c), string(c)}
}

var words = []Words{
	{CodeNotFound, "на сервере оператора файла нет", "the operator's server does not have the file"},
	{CodeTooEarly, "сервер оператора ещё готовит файл", "the operator's server is still preparing the file"},
	{CodeGone, "сервер оператора удалил файл", "the operator's server has deleted the file"},
	{CodePlainOnly, "ссылка http, а по https сервер оператора не отвечает", "the link is plain http, and the operator's server does not answer https"},
	{CodeLoginRequired, "сервер оператора требует входа", "the operator's server wants a login"},
	{CodeLoginUnavailable, "сервер оператора требует входа, а получить его не удалось", "the operator's server wants a login, and none is to be had"},
	{CodeServerError, "ошибка на сервере оператора", "the operator's server has an error"},
	{CodeUnexpectedAnswer, "сервер оператора ответил не файлом", "the operator's server does not answer with the file"},
	{CodeRedirectNowhere, "сервер оператора перенаправляет в никуда", "the operator's server redirects to nowhere"},
	{CodeRedirectLoop, "сервер оператора перенаправляет по кругу", "the operator's server redirects in circles"},
	{CodeUnknownName, "имя сервера оператора неизвестно", "the name of the operator's server is not known"},
	{CodeLookupFailed, "имя сервера оператора не удалось найти в DNS", "the name of the operator's server could not be looked up"},
	{CodeBadCertificate, "сертификат сервера оператора не подходит", "the certificate of the operator's server is not valid"},
	{CodeNoAnswer, "сервер оператора не ответил вовремя", "the operator's server did not answer in time"},
	{CodeConnection, "сервер оператора отверг соединение", "the operator's server refused the connection"},
	{CodeNoConnection, "нет соединения с сервером оператора", "no connection to the operator's server"},
	{CodeStalled, "передача остановилась", "the transfer stopped"},
	{CodeTooSlow, "передача слишком медленная", "the transfer is too slow"},
	{CodeCut, "передача оборвалась", "the transfer broke off"},
	{CodeOverlong, "пришло больше, чем объявлено", "more came than was announced"},
	{CodeWrongPart, "пришла не та часть файла", "another part of the file came"},
	{CodeEmpty, "пришёл пустой файл", "an empty file came"},
	{CodeHTML, "вместо записи пришла веб-страница", "a web page came instead of audio"},
	{CodeJSON, "вместо записи пришло сообщение JSON", "a JSON message came instead of audio"},
	{CodeCompressed, "вместо записи пришёл сжатый файл", "a compressed file came instead of audio"},
	{CodeNotAudio, "пришла не запись", "something else came instead of audio"},
	{CodeIncomplete, "у файла нет конца", "the end of the file is missing"},
	{CodeDamaged, "файл пришёл повреждённым", "the file came damaged"},
	{CodeUnverifiable, "целость файла нельзя проверить", "nothing can tell whether the file is whole"},
	{CodeTooLarge, "файл больше допустимого размера", "the file is larger than the configured limit"},
	{CodeBadLink, "ссылка не читается", "the link cannot be read"},
	{CodeLinkWithUser, "в ссылке указано имя пользователя", "the link carries a user name"},
	{CodeNotHTTPS, "ссылка не https", "the link is not an https one"},
	{CodeRefusedHost, "сервера нет в списке разрешённых", "the host is not in the list of record hosts"},
	{CodeRefusedAddress, "адреса нет в списке разрешённых", "the address is not in the list of record hosts"},
	{CodeRefusedPort, "имя сервера разрешено, а его порт нет", "the host is allowed, its port is not"},
	{CodePrivateAddress, "имя сервера ведёт не в интернет", "the name leads to an address that is not public"},
	{CodeOwnFailure, "сбой самой Fonoteka, подробности в её журнале", "Fonoteka itself failed, its log tells why"},

	{CodeAltered, "файл в хранилище не тот, что был сохранён", "the stored file is not the archived one"},
	{CodeAbsent, "файла больше нет в хранилище", "the file is no longer in the store"},
	{CodeUnreadable, "хранилище не отдаёт файл", "the store does not give the file back"},
	{CodeSidecarAltered, "запись цела, документ рядом с ней изменён", "whole, but the document beside it was altered"},
	{CodeSidecarAbsent, "запись цела, документа рядом с ней нет", "whole, but the document beside it is gone"},
	{CodeSidecarUnreadable, "запись цела, документ рядом с ней не читается", "whole, but the document beside it cannot be read"},
	{CodeBesideAltered, "запись цела, другой файл рядом с ней изменён", "whole, but another file kept beside it was altered"},
	{CodeBesideAbsent, "запись цела, другого файла рядом с ней нет", "whole, but another file kept beside it is gone"},
	{CodeBesideUnreadable, "запись цела, другой файл рядом с ней не читается", "whole, but another file kept beside it cannot be read"},
	{CodeShort, "запись короче разговора", "it plays for less than the talk took"},
	{CodeShortAtOperator, "запись короче разговора, и у оператора другой нет", "it plays for less than the talk took, and the operator has no other"},
	{CodeKeptBeside, "копия вместо испорченного файла", "a copy instead of the damaged file"},
	{CodeConflict, "сервер оператора давал разные файлы", "the operator's server gave different files"},
	{CodeUnmeasured, "сервер оператора не назвал длину файла", "the operator's server did not say the file's length"},
	{CodeProxied, "файл изменён прокси-сервером по дороге", "changed by a proxy on its way"},
	{CodeTextBefore, "перед звуком в файле стоит текст", "there is text before the audio"},
	{CodeTalkMismatch, "запись длиннее разговора", "it plays for longer than the talk took"},
	{CodeCopy, "тот же файл, что по другой ссылке этого звонка", "the same file as by another link of the call"},
	{CodeNoted, "есть примечание", "there is a note"},
}
