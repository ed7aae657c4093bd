/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses a command, the rest are its args as JSON. Oracle: they are refused with a message that names no value, or each
 * value lies within the limits of the table; the same args through JSON text again give the same.
 */
#include <assert.h>
#include <string.h>

#include "app/schema/command.h"
#include "app/schema/feature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct command_arg *arg, const struct command_value *v)
{
	size_t names = 0;

	assert(v->given || !arg->required);
	if (!v->given)
		return;
	switch (arg->type) {
	case ARG_STRING:
	case ARG_SECRET:
		assert(v->text.n >= arg->min && v->text.n <= arg->max);
		for (size_t i = 0; i < v->text.n; i++)
			assert(v->text.p[i] >= 0x20 && v->text.p[i] != 0x7f);
		return;
	case ARG_U64:
		assert(v->number >= arg->min && v->number <= arg->max);
		return;
	case ARG_BOOL:
		assert(v->number <= 1);
		return;
	case ARG_LIST:
		while (arg->names[names])
			names++;
		assert(v->number >= arg->min && v->number <= arg->max);
		for (size_t i = 0; i < v->number; i++)
			assert(v->list[i] < names && !memchr(v->list, v->list[i], i));
		return;
	case ARG_JSON:
		assert(json_is_object(v->json) || json_is_array(v->json));
		return;
	case ARG_ENUM:
		while (arg->names[names])
			names++;
		assert(v->number < names);
		return;
	}
}

/* A secret of some length does not appear in a message by chance. */
static void check_error(json_t *args, const struct command_error *e)
{
	const char *name;
	json_t *value;

	assert(e->message[0] && memchr(e->message, 0, sizeof(e->message)));
	assert((int)e->code < COMMAND_ERROR_CODES);
	json_object_foreach((json_t *)(uintptr_t)args, name,
			    value) if (json_is_string(value) && json_string_length(value) >= 32)
		assert(!strstr(e->message, json_string_value(value)));
}

static json_t *again(const json_t *args)
{
	char *text = json_dumps(args, JSON_COMPACT);
	json_t *copy = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return copy;
}

/* The last one where there are not so many. */
static const struct command *nth_command(uint8_t n)
{
	const struct command *last = NULL;

	COMMAND_EACH (c) {
		last = c;
		if (!n--)
			return c;
	}
	return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct command_value values[COMMAND_ARGS_MAX], second[COMMAND_ARGS_MAX];
	struct command_error error = { 0 };
	const struct command *command;
	json_t *args, *copy;
	int err;

	if (size < 1)
		return 0;
	command = nth_command(data[0]);
	args = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
	if (!args)
		return 0;
	copy = again(args);
	err = command_check(command, args, values, &error);
	if (err)
		check_error(json_is_object(args) ? args : NULL, &error);
	for (size_t i = 0; !err && command->args[i].name; i++)
		check_value(&command->args[i], &values[i]);
	if (copy)
		assert(command_check(command, copy, second, &error) == err);
	for (size_t i = 0; copy && !err && command->args[i].name; i++)
		assert(values[i].number == second[i].number &&
		       bytes_eq(values[i].text, second[i].text) &&
		       !memcmp(values[i].list, second[i].list, sizeof(second[i].list)));
	json_decref(copy);
	json_decref(args);
	return 0;
}
