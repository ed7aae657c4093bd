/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of queues. Oracle: what is refused has a reason; what is read is written, and read again as the same; members and skills are what a
 * plain walk over the text finds; and a queue's flow is a flow, in which each branch leads to a step.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/queue/queue.h"
#include "app/schema/field.h"
#include "sig/flow/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const struct queue_value *v)
{
	json_t *json = form_document(&g_queue_form, v);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	assert(text);
	return text;
}

/* What stands behind "NUMBER:" in a list. 0: nothing. */
static unsigned long skill_of(const char *list, const char *number)
{
	size_t n = strlen(number);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		at += strspn(at, " \t");
		if (!strncmp(at, number, n) && at[n] == ':')
			return strtoul(at + n + 1, NULL, 10);
	}
	return 0;
}

static void lists_check(const struct queue_value *v)
{
	struct queue_terms t = v->core;

	assert(!queue_members_parse(&t, bytes_str(v->members)));
	assert(!queue_skills_parse(&t, bytes_str(v->skills)));
	assert(t.count <= QUEUE_MEMBERS_MAX);
	for (uint8_t i = 0; i < t.count; i++) {
		assert(t.members[i].number[0] && strstr(v->members, t.members[i].number));
		assert(t.skills[i] <= QUEUE_SKILL_MAX);
		assert(t.skills[i] == skill_of(v->skills, t.members[i].number));
	}
	for (uint64_t ms = 0, last = QUEUE_SKILL_MAX; ms < 4000000; ms += 99999) {
		assert(queue_skill_wanted(&t, ms) <= last);
		last = queue_skill_wanted(&t, ms);
	}
}

static void flow_check(const struct queue_value *v)
{
	static struct flow_findings findings;
	char text[QUEUE_PROGRAM_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct flow_program *p;

	queue_program(v, &w);
	assert(!w.overflow);
	findings = (struct flow_findings){ 0 };
	p = program_parse(writer_done(&w), NULL, &findings);
	assert(p);
	program_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct queue_value *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	const char *why = NULL;
	char *first, *second;

	assert(a && b);
	g_queue_form.begin(a, BYTES_LIT("sales"));
	g_queue_form.begin(b, BYTES_LIT("sales"));
	if (form_read(&g_queue_form, a, bytes_mem(data, size), &why)) {
		assert(why && why[0]);
	} else {
		first = text_of(a);
		assert(!form_read(&g_queue_form, b, bytes_str(first), &why));
		second = text_of(b);
		assert(!strcmp(first, second));
		lists_check(a);
		flow_check(a);
		free(first);
		free(second);
	}
	free(a);
	free(b);
	return 0;
}
