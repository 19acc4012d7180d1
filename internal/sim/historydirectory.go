package sim

// HistoryPlace is a workplace of a History's company.
type HistoryPlace struct {
	SIP, Name  string
	Employee   string
	Department string
	Terminals  []string // SIP ids; the first may be that of the workplace
}

// Places are the workplaces, in eight departments of unequal size.
func (h *History) Places() []HistoryPlace {
	departments := []string{"Продажи", "Продажи", "Продажи", "Поддержка", "Поддержка", "Доставка", "Бухгалтерия", "Запись"}
	var out []HistoryPlace
	for i, w := range h.company.workplaces {
		out = append(out, HistoryPlace{
			SIP: w.sip, Name: w.name, Employee: w.name, Department: departments[i%len(departments)], Terminals: w.terminals,
		})
	}
	return out
}

// Externals are the external numbers with their names.
func (h *History) Externals() (numbers, names []string) {
	purposes := []string{"Реклама", "Сайт", "Поддержка", "Офис", "Партнёры"}
	for i, n := range h.company.externals {
		numbers, names = append(numbers, n), append(names, purposes[i%len(purposes)]+" "+n[len(n)-4:])
	}
	return numbers, names
}
