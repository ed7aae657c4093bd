/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as JSON: in the answer of call.doctor, and in the record of a call that is over. */
#include "app/command/diagnosis.h"
#include "base/json.h"

static const char *const g_legs[] = { "a", "b" };

static void json_member_write(struct writer *w, const char *name, const char *text)
{
	writer_fmt(w, "\"%s\":", name);
	json_write_text(w, bytes_str(text));
	writer_str(w, ",");
}

static void finding_facts_write(struct writer *w, const struct finding *f)
{
	writer_str(w, "\"evidence\":{");
	for (uint8_t i = 0; i < f->fact_count; i++) {
		const struct finding_fact *fact = &f->facts[i];

		writer_fmt(w, "%s\"%s\":", i ? "," : "", fact->name);
		if (fact->text[0])
			json_write_text(w, bytes_str(fact->text));
		else
			writer_u64(w, fact->number);
	}
	writer_str(w, "},");
}

static void finding_write(struct writer *w, const struct finding *f)
{
	writer_str(w, "{");
	json_member_write(w, "code", finding_name(f->code));
	json_member_write(w, "is", finding_what(f->code));
	if (f->of_flow)
		writer_fmt(w, "\"leg\":\"%s\",\"line\":%u,", g_legs[f->leg], f->line);
	else
		writer_str(w, "\"leg\":null,\"line\":null,");
	json_member_write(w, "sentence", f->sentence);
	finding_facts_write(w, f);
	writer_str(w, "\"next\":");
	json_write_text(w, bytes_str(finding_next(f->code)));
	writer_str(w, "}");
}

struct bytes findings_write(const struct finding *list, size_t count, char *space, size_t n)
{
	struct writer w = writer_over(space, n - 1); /* room for the end */

	writer_str(&w, "[");
	for (size_t i = 0; i < count; i++) {
		size_t before = w.n;

		writer_str(&w, i ? "," : "");
		finding_write(&w, &list[i]);
		if (!w.overflow)
			continue;
		w.n = before;
		break;
	}
	space[w.n] = ']';
	return bytes_mem(space, w.n + 1);
}
