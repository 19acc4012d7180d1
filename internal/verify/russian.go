package verify

import "fonoteka/internal/bagit"

// russian says each code of bagit's in a sentence. What stands in bagit's own detail –
// digests, names, numbers of lines – comes behind it.
var russian = map[bagit.Code]string{
	bagit.DeclarationMissing:   "нет файла bagit.txt: это не пакет BagIt",
	bagit.DeclarationForm:      "bagit.txt записан неверно",
	bagit.VersionUnknown:       "неизвестная или не та версия BagIt",
	bagit.EncodingUnknown:      "неизвестная или не та кодировка служебных файлов",
	bagit.EncodingWrong:        "файл записан не в той кодировке, которая объявлена",
	bagit.ByteOrderMark:        "файл начинается с метки порядка байтов, которой быть не должно",
	bagit.PayloadFolderMissing: "нет папки data",
	bagit.ManifestMissing:      "нет списка контрольных сумм файлов",
	bagit.AlgorithmUnknown:     "контрольные суммы неизвестного или лишнего вида",
	bagit.ManifestForm:         "строка списка контрольных сумм записана неверно",
	bagit.ListedTwice:          "файл указан в списке дважды",
	bagit.ListedDiffering:      "файл указан в списке дважды с разными контрольными суммами",
	bagit.NotInEveryManifest:   "файл есть не во всех списках контрольных сумм",
	bagit.OutsidePayload:       "список файлов данных указывает файл вне папки data",
	bagit.PayloadInTagManifest: "список служебных файлов указывает файл из папки data",
	bagit.TagManifestListed:    "список служебных файлов указывает сам себя или другой такой же список",
	bagit.ManifestUnlisted:     "список файлов данных ничем не защищён: его нет в списке служебных файлов",
	bagit.TagManifestsDisagree: "два списка служебных файлов не совпадают",
	bagit.TagManifestMissing:   "нет списка контрольных сумм служебных файлов",
	bagit.FileMissing:          "файл указан в списке, но его нет: удалён или переименован",
	bagit.FileNotFetched:       "файла нет, он должен быть загружен из другого места",
	bagit.FileUnlisted:         "файла нет в списках контрольных сумм: он добавлен или переименован",
	bagit.TagUnlisted:          "служебного файла нет в списках контрольных сумм: он добавлен",
	bagit.DigestMismatch:       "содержимое файла изменено: контрольная сумма не совпадает",
	bagit.Unreadable:           "файл не удалось прочитать целиком",
	bagit.Unchecked:            "файл указан только в списках неизвестного вида",
	bagit.InfoForm:             "bag-info.txt записан неверно",
	bagit.OxumForm:             "число файлов и байтов (Payload-Oxum) записано неверно",
	bagit.OxumMismatch:         "число файлов или байтов не то, которое указано (Payload-Oxum)",
	bagit.OxumRepeated:         "число файлов и байтов (Payload-Oxum) указано несколько раз",
	bagit.FetchForm:            "fetch.txt записан неверно",
	bagit.FetchTagFile:         "fetch.txt указывает файл вне папки data",
	bagit.FetchUnknown:         "fetch.txt указывает файл, которого нет в списках",
	bagit.PathTraversal:        "опасное имя: путь выводит из папки пакета (..)",
	bagit.PathAbsolute:         "опасное имя: путь от корня диска",
	bagit.PathHome:             "опасное имя: путь в домашнюю папку (~)",
	bagit.PathDrive:            "опасное имя: путь с буквой диска",
	bagit.PathUNC:              "опасное имя: путь на другой компьютер",
	bagit.PathBackslash:        "опасное имя: обратная косая черта",
	bagit.PathNUL:              "опасное имя: нулевой байт",
	bagit.PathForm:             "имя записано неверно",
	bagit.SymbolicLink:         "вместо файла – ссылка на другой файл; по ссылкам проверка не ходит",
	bagit.NotRegular:           "это не обычный файл",
	bagit.EntryTwice:           "одно имя встречается дважды",
	bagit.ArchiveForm:          "архив повреждён, обрезан, противоречив или содержит лишнее",
	bagit.ArchiveBomb:          "файл в архиве распаковывается до непомерного размера; он не прочитан",
	bagit.LimitExceeded:        "превышен предел проверки; остальное не проверено",
	bagit.CaseClash:            "имена отличаются только большими и малыми буквами",
	bagit.NormalForm:           "имена выглядят одинаково и отличаются только записью букв (Unicode)",
	bagit.Asterisk:             "список контрольных сумм записан с лишней звёздочкой",
	bagit.DotSlash:             "путь в списке записан с лишними знаками ./",
	bagit.PercentForm:          "знак процента в пути записан неверно",
	bagit.BlankLine:            "пустая строка",
	bagit.SystemFile:           "файл, который создаёт операционная система",
	bagit.SystemFileMissing:    "нет пустого файла операционной системы, который указан в списке",
	bagit.TagFolder:            "папка, которой в этой версии быть не должно",
	bagit.NotCanonical:         "список контрольных сумм записан не так, как его записывает Фонотека: его правили",
}

func inRussian(f bagit.Finding) string {
	s := russian[f.Code]
	if s == "" {
		s = string(f.Code)
	}
	return s + " (" + f.Detail + ")"
}
