/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/identity/carried.h"

#include "sig/identity/carried_value.h"
#include "sig/sip/lex.h"
#include "sig/sip/subscriber.h"

static const struct {
	const char *name;
	uint8_t most;
	bool list;
} g_kinds[CARRIED_KINDS] = {
#define X(id, name, most, list) { name, most, list },
	CARRIED(X)
#undef X
};

static void line_put(struct writer *w, struct bytes name, struct bytes value)
{
	struct writer before = *w;

	writer_bytes(w, name);
	writer_str(w, ": ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
	if (w->overflow || w->n > CARRIED_MAX) { /* none is cut */
		*w = before;
	}
}

/* ---- reading what is kept ---- */

static enum carried kind_of(struct bytes name)
{
	for (unsigned i = 0; i < CARRIED_EXTRA; i++) {
		if (bytes_is(name, g_kinds[i].name))
			return (enum carried)i;
	}
	return bytes_istarts(name, "X-") ? CARRIED_EXTRA : CARRIED_KINDS;
}

bool carried_next(struct bytes *rest, struct carried_line *line)
{
	struct bytes from = *rest, text;
	size_t colon;

	if (!bytes_cut(rest, '\n', &text))
		return false;
	line->all = bytes_sub(from, 0, from.n - rest->n);
	text = bytes_sub(text, 0, text.n ? text.n - 1 : 0);
	colon = bytes_find(text, ':');
	line->name = bytes_sub(text, 0, colon);
	line->value = bytes_from(text, colon + 2);
	line->kind = kind_of(line->name);
	return true;
}

bool carried_find(struct bytes lines, enum carried kind, unsigned i, struct bytes *value)
{
	struct carried_line line;

	while (carried_next(&lines, &line)) {
		if (line.kind == kind && i-- == 0) {
			*value = line.value;
			return true;
		}
	}
	return false;
}

unsigned carried_privacy(struct bytes lines)
{
	unsigned privacy = 0;
	struct bytes value;

	return carried_find(lines, CARRIED_PRIVACY, 0, &value) && !privacy_parse(value, &privacy)
		       ? privacy
		       : 0;
}

bool carried_number(struct bytes lines, struct bytes *user)
{
	struct sip_name_addr a;
	struct bytes value;
	bool found = false;

	for (unsigned i = 0; carried_find(lines, CARRIED_ASSERTED, i, &value); i++) {
		if (sip_name_addr_parse(&a, value) || (found && !bytes_iis(a.uri.scheme, "tel")))
			continue;
		*user = subscriber_of(&a.uri).name;
		found = user->n != 0;
	}
	return found;
}

static bool line_is_valid(const struct carried_line *line)
{
	return line->kind < CARRIED_KINDS && line->all.n > 4 &&
	       line->all.p[line->all.n - 2] == '\r' && line->all.p[line->all.n - 1] == '\n' &&
	       line->all.n == line->name.n + line->value.n + 4 &&
	       line->all.p[line->name.n + 1] == ' ' && lex_is_token(line->name) &&
	       carried_value_is_valid(line->kind, line->value);
}

bool carried_is_valid(struct bytes lines)
{
	unsigned count[CARRIED_KINDS] = { 0 };
	enum carried last = 0;
	struct carried_line line;

	if (lines.n > CARRIED_MAX || !bytes_are_lines(lines))
		return false;
	while (carried_next(&lines, &line)) {
		if (!line_is_valid(&line) || line.kind < last ||
		    ++count[line.kind] > g_kinds[line.kind].most)
			return false;
		last = line.kind;
	}
	return true;
}

/* ---- taking it from a message ---- */

struct taking {
	struct writer *w;
	const struct sip_message *m;
	enum carried kind;
	unsigned left;
};

static void take_value(struct taking *t, struct bytes value)
{
	value = bytes_trim(value);
	if (!t->left || !carried_value_is_valid(t->kind, value))
		return;
	line_put(t->w, bytes_str(g_kinds[t->kind].name), value);
	t->left--;
}

static void take_all_of(struct taking *t)
{
	struct bytes value, element;

	t->left = g_kinds[t->kind].most;
	for (unsigned i = 0; message_header(t->m, g_kinds[t->kind].name, i, &value); i++) {
		if (!g_kinds[t->kind].list)
			take_value(t, value);
		while (g_kinds[t->kind].list && lex_element(&value, &element))
			take_value(t, element);
	}
}

/* All values of a list of callers, whatever lines they stand in; more than that is as many and one. */
static unsigned list_values(const struct sip_message *m, const char *header, struct bytes *out,
			    unsigned most)
{
	struct bytes rest, element;
	unsigned count = 0;

	for (unsigned i = 0; message_header(m, header, i, &rest); i++) {
		while (lex_element(&rest, &element)) {
			if (count == most)
				return most + 1;
			out[count++] = element;
		}
	}
	return count;
}

/* RFC 3325 9.1: one value, or a sip and a tel URI; else nothing is believed of it. */
static void take_asserted(struct taking *t)
{
	struct bytes values[2];
	unsigned count = list_values(t->m, "P-Asserted-Identity", values, COUNT_OF(values));
	struct sip_name_addr a;
	unsigned tels = 0;

	if (count > COUNT_OF(values))
		return;
	for (unsigned i = 0; i < count; i++)
		tels += !sip_name_addr_parse(&a, values[i]) && bytes_iis(a.uri.scheme, "tel");
	if (count == 2 && tels != 1)
		return;
	t->left = count;
	for (unsigned i = 0; i < count; i++)
		take_value(t, values[i]);
}

static bool self_has(const struct carried_self *self, const struct sip_uri *uri)
{
	struct subscriber who = subscriber_of(uri);
	char name[128];

	if (subscriber_text(&who, name, sizeof(name)))
		return false;
	if (self->number.n && bytes_is(self->number, name))
		return true;
	return bytes_list_has(self->others, bytes_str(name));
}

/* RFC 3325 9.2: a wish, which counts for what its party may be called. */
static void take_preferred(struct taking *t, const struct carried_self *self)
{
	struct sip_name_addr a;
	struct bytes value;

	t->kind = CARRIED_ASSERTED;
	t->left = 1;
	if (self && list_values(t->m, "P-Preferred-Identity", &value, 1) == 1 &&
	    !sip_name_addr_parse(&a, value) && self_has(self, &a.uri))
		take_value(t, value);
}

static void take_privacy(struct taking *t)
{
	uint8_t space[64];
	struct writer w = writer_over(space, sizeof(space));

	privacy_write(&w, privacy_of(t->m));
	t->left = 1;
	if (w.n)
		take_value(t, writer_done(&w));
}

static void take_number(struct taking *t)
{
	uint8_t space[CARRIED_VALUE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	carried_number_params(&w, &t->m->uri);
	t->left = 1;
	if (w.n && !w.overflow)
		take_value(t, writer_done(&w));
}

static void take_extra(struct taking *t, const struct identity_policy *p)
{
	struct bytes name, value;

	t->left = g_kinds[CARRIED_EXTRA].most;
	for (unsigned i = 0; t->left && message_line(t->m, i, &name, &value); i++) {
		if (!identity_has_extra(p->extra, name) || !lex_is_token(name) ||
		    !carried_value_is_valid(CARRIED_EXTRA, value))
			continue;
		line_put(t->w, name, value);
		t->left--;
	}
}

static void take_kind(struct taking *t, const struct identity_policy *p)
{
	switch (t->kind) {
	case CARRIED_ASSERTED:
		take_asserted(t);
		break;
	case CARRIED_PRIVACY:
		take_privacy(t);
		break;
	case CARRIED_NUMBER:
		take_number(t);
		break;
	case CARRIED_EXTRA:
		take_extra(t, p);
		break;
	case CARRIED_DIVERSION:
	case CARRIED_HISTORY:
	case CARRIED_UUI:
	case CARRIED_GEOLOCATION:
	case CARRIED_ROUTING:
	case CARRIED_IDENTITY:
	case CARRIED_DATE:
		take_all_of(t);
		break;
	case CARRIED_KINDS:
		break;
	}
}

void carried_read(struct writer *w, const struct sip_message *m, const struct identity_policy *p,
		  const struct carried_self *self)
{
	struct taking t = { .w = w, .m = m };

	if (!identity_takes(p, CARRIED_ASSERTED))
		take_preferred(&t, self);
	for (unsigned i = 0; i < CARRIED_KINDS; i++) {
		t.kind = (enum carried)i;
		if (identity_takes(p, t.kind))
			take_kind(&t, p);
	}
}

void carried_renew(struct writer *w, struct bytes lines, const struct sip_message *m,
		   const struct identity_policy *p)
{
	struct identity_policy who = *p;
	struct carried_line line;
	bool renewed;

	who.takes &= 1U << CARRIED_ASSERTED | 1U << CARRIED_PRIVACY;
	carried_read(w, m, &who, NULL);
	renewed = w->n != 0;
	while (carried_next(&lines, &line)) {
		if (line.kind > CARRIED_PRIVACY || !renewed)
			line_put(w, line.name, line.value);
	}
}
