/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a ring group: its fields, the core's struct and the program of a number that
 * leads to it. command_group.c puts groups; flows and numbers use the generated program, so a group
 * rings by the verb dial like any other flow. The logged-out list of an extension is changed here,
 * too.
 */

#include "app/schema/group_field.h"

#include "app/schema/extension.h"

#include <stdio.h>
#include <string.h>

/* Default, then in the order of enum record_method. */
static const char *const g_group_record[] = { "default", "off", "auto", "on_demand", NULL };
/* In the order of those of the verb dial. */
static const char *const g_group_hows[] = { "together",     "in_turn",  "rotating", "random",
					    "longest_idle", "weighted", NULL };

static const char *field_members_wrong(const void *value, const char *text)
{
	static struct ring_group unused;

	(void)value;
	return group_members_parse(&unused, bytes_str(text));
}

#undef FIELD_OF
#define FIELD_OF struct group_value
const struct command_arg g_group_fields[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the group."),
	WEIGHTED_FIELD(
		"members", members, CHARSET_TEXT, field_members_wrong, "number",
		"Numbers that ring, at most 32, joined by ',' in their order: extensions, or "
		"numbers outside. With how=weighted a weight may stand behind one: 1001:5."),
	WORD_FIELD("how", core.how, FIELD_NUMBER, g_group_hows, "together",
		   "In which order they ring: all together, in_turn, rotating (each call begins "
		   "behind the one before), random, longest_idle, or weighted (random; a member "
		   "with more weight is earlier more often)."),
	NUMBER_FIELD("ring_s", core.ring_s, 0, 600, "0",
		     "How long each rings, in seconds. 0: 30 s, or as dial says."),
	NUMBER_FIELD("total_s", core.total_s, 0, 3600, "0",
		     "How long they ring in all, in seconds. 0: 180 s, or as dial says."),
	TEXT_FIELD("prefix", core.prefix, CHARSET_TEXT, NULL,
		   "What members' phones show before the caller's name, such as Sales."),
	FLAG_FIELD("show_called", core.show_called, "false",
		   "true: they show the number that was called, too."),
	FLAG_FIELD(
		"forwards", core.forwards, "false",
		"true: members' forwards to mailboxes, and to what else answers by itself, count, "
		"and may take the group's calls."),
	FLAG_FIELD("decline_ends", core.decline_ends, "false",
		   "true: a member who declines (6xx) ends the ringing of all, and not of his own "
		   "phones alone."),
	WORD_FIELD("auto_answer", core.auto_answer, FIELD_NUMBER, g_auto_answer_words, "off",
		   "Whether phones of its extensions are asked to answer its calls by themselves: "
		   "the word that they know in Alert-Info (info=...), or off. An extension's own "
		   "auto_answer comes before."),
	WORD_FIELD(
		"record", core.record, FIELD_NUMBER, g_group_record, "default",
		"Recording of its calls, once a member has answered: off, auto or on_demand, as "
		"record of extension.put, which does not count in them then, nor do "
		"record_direction and record_scope. default: as each member's own says. auto and "
		"on_demand need a seat (max_recorded of the tenant)."),
	WORD_FIELD("record_to", core.record_to, FIELD_NUMBER, g_record_to_words, "files",
		   "With record: where its recordings go: files of the node; mailbox, files in the "
		   "mailbox of the member who answered; or siprec, the external recorder."),
	REFERS_FIELD("else", otherwise, CHARSET_TEXT, field_flow_or_number_wrong, "number",
		     "Where a call to its number goes when no member answers: flow:NAME, or a "
		     "number. Empty: the call ends."),
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_group_form = { .fields = g_group_fields, FORM_OF(struct group_value) };

void group_to_core(const struct group_value *v, uint16_t tenant, struct ring_group *out)
{
	*out = v->core;
	out->tenant = tenant;
	(void)group_members_parse(out, bytes_str(v->members));
}

/* Texts of its fields need no escapes. */
void group_program(const struct group_value *v, struct writer *w)
{
	const char *verb = !strncmp(v->otherwise, "flow:", 5) ? "redirect" : "dial";

	WRITER_TEXTS(w, "{\"start\":\"ring\",\"steps\":{\"ring\":{\"dial\":\"" GROUP_WORD,
		     v->core.name, "\"");
	if (v->otherwise[0])
		WRITER_TEXTS(w,
			     ",\"busy\":\"else\",\"no_answer\":\"else\",\"rejected\":\"else\","
			     "\"failed\":\"else\"},\"else\":{\"",
			     verb, "\":\"", v->otherwise, "\"");
	writer_str(w, "}}}");
}

/* ---- logged-out members ---- */

static bool group_name_add(struct writer *w, struct bytes name)
{
	WRITER_TEXTS(w, w->n ? "," : "");
	writer_bytes(w, name);
	return !w->overflow;
}

bool groups_out_change(char list[GROUPS_OUT_MAX], struct bytes name, bool out, struct bytes mine)
{
	struct bytes all = bytes_is(bytes_str(list), GROUPS_OUT_ALL) ? mine : bytes_str(list), one;
	char space[GROUPS_OUT_MAX] = "";
	struct writer w = writer_over(space, sizeof(space) - 1);

	if (!name.n) {
		(void)snprintf(list, GROUPS_OUT_MAX, "%s", out ? GROUPS_OUT_ALL : "");
		return true;
	}
	if (out && groups_out_has(bytes_str(list), name))
		return true;
	while (bytes_cut(&all, ',', &one)) {
		if (!bytes_eq(one, name))
			(void)group_name_add(&w, one);
	}
	if (out)
		(void)group_name_add(&w, name);
	if (w.overflow)
		return false;
	memcpy(list, space, sizeof(space));
	return true;
}
