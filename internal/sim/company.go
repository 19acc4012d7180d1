package sim

import (
	"fmt"
	"math/rand/v2"
)

// company is whose calls are simulated.
type company struct {
	centrex    string
	externals  []string // E.164 digits
	workplaces []workplace
	clients    []client
}

// workplace is one employee's place with one to three terminals. As in the
// operator's example, the first terminal may bear the workplace's own SIP id.
type workplace struct {
	sip       string
	name      string
	extension string
	terminals []string // SIP ids: what accountId names
}

// client is somebody outside.
type client struct {
	number  string // E.164 digits
	name    string // as a caller's phone or the operator may present it; may be empty
	foreign bool   // never spelled with the Russian trunk prefix
}

// The first two are in the operator's examples, the others are made up.
var externalNumbers = []string{"74996497803", "78005560251", "74950001122", "78120003344"}

// Names an encoder or a store may stumble over are here on purpose. One has a
// digit, which does not make it a number.
var workplaceNames = []string{
	"Администратор", `Анна "Ресепшн" Петрова`, "Отдел продаж 2", "Иван О'Коннор",
	"Бухгалтерия", "Склад\\Отгрузка", "Ёжиков Фёдор 🦔", "Support <tier 1> & billing",
	"Мария Кузнецова-Щербакова", "Директор", "Юрист / договоры", "Курьер 🚚",
}

var clientNames = []string{
	"", "", "", "ООО «Ромашка» 🌼", `ИП Сидоров "Стройка"`, "Пётр", "Доставка & Co", "Müller GmbH",
	"", "Клиника №1", "O'Brien", "Тест\tТабуляция", "Екатерина", "АО \"Ёлка\"", "",
}

// newCompany has 12 workplaces, 5 of them with several terminals, 4 external
// numbers and 64 clients.
func newCompany(r *rand.Rand) *company {
	c := &company{centrex: "67821426", externals: externalNumbers}
	terminals := []int{1, 3, 2, 1, 1, 2, 1, 3, 1, 2, 1, 1}
	for i, n := range terminals {
		w := workplace{
			sip:       fmt.Sprintf("8831407%04d%04d", 1000+i*37, r.IntN(10000)),
			name:      workplaceNames[i],
			extension: fmt.Sprint(101 + i),
		}
		w.terminals = append(w.terminals, w.sip)
		for t := 1; t < n; t++ {
			w.terminals = append(w.terminals, fmt.Sprintf("8831407%04d%04d", 5000+i*37+t, r.IntN(10000)))
		}
		c.workplaces = append(c.workplaces, w)
	}
	for i := range 64 {
		c.clients = append(c.clients, newClient(r, i))
	}
	return c
}

// newClient makes up the i-th client: subscriber numbers of a run of zeros, so
// that nobody takes them for real ones. 7831… spelled 8831… begins like a SIP
// id; 813… from abroad looks like a Russian number with its trunk prefix.
func newClient(r *rand.Rand, i int) client {
	n := r.IntN(100)*100 + i // differs for every i
	c := client{name: clientNames[r.IntN(len(clientNames))]}
	switch {
	case i%16 == 5:
		c.number, c.foreign = fmt.Sprintf("44207946%04d", n), true
	case i%16 == 9:
		c.number, c.foreign = fmt.Sprintf("8130000%04d", n), true
	case i%16 == 13:
		c.number, c.foreign = fmt.Sprintf("1202555%04d", n), true
	case i%8 == 1:
		c.number = fmt.Sprintf("7831000%04d", n)
	case i%8 == 2:
		c.number = fmt.Sprintf("7812000%04d", n)
	case i%8 == 3:
		c.number = fmt.Sprintf("7727000%04d", n)
	default:
		c.number = fmt.Sprintf("7900000%04d", n)
	}
	return c
}

// pickClient prefers the first clients: some call again and again.
func (c *company) pickClient(r *rand.Rand) client {
	u := r.Float64()
	return c.clients[int(u*u*float64(len(c.clients)))]
}

// spell writes a number as the operator might, in a form that can be read back
// without knowing where it came from.
func spell(r *rand.Rand, number string, foreign bool) string {
	if foreign {
		return "+" + number
	}
	switch r.IntN(8) {
	case 0, 1:
		return "+" + number
	case 2, 3:
		return "8" + number[1:]
	case 4:
		if number[1] != '7' { // ten digits from 7 read as another country's
			return number[1:]
		}
	}
	return number
}

// dial writes a number as an employee may have dialled it.
func dial(r *rand.Rand, number string, foreign bool) string {
	if foreign && r.IntN(2) == 0 {
		return "810" + number
	}
	return spell(r, number, foreign)
}
