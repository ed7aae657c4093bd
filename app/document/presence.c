/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/presence.h"

#include <assert.h>
#include <string.h>

#include "app/sound/sound_prompt.h"
#include "app/sound/sound_recording.h"
#include "sig/call/act.h"

static_assert((int)GREETING_FILE_MAX == (int)PROMPT_NAME_MAX + 1, "one is played");

/* With the prompt of the node for each. */
static const struct {
	const char *state, *prompt;
} g_greetings[] = {
	{ PRESENCE_USUAL, "prompt:greeting-unavailable" },
	{ "busy", "prompt:greeting-busy" },
	{ "do_not_disturb", "prompt:greeting-busy" },
	{ "in_a_meeting", "prompt:greeting-busy" },
	{ "away", "prompt:greeting-away" },
	{ "out_of_office", "prompt:greeting-away" },
	{ "off_work", "prompt:greeting-away" },
};

static bool presence_name_fits(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-' && c != '.')
			return false;
	}
	return text.n && text.p[0] != '.';
}

const char *presence_wrong(const char *state)
{
	struct bytes text = bytes_str(state);

	return !text.n || (text.n < PRESENCE_MAX && presence_name_fits(text))
		       ? NULL
		       : "a state has 1 to 31 letters, digits, '.', '_' and '-', no '.' first";
}

static bool greeting_file_is_good(struct bytes file)
{
	if (!file.n || file.n >= GREETING_FILE_MAX)
		return false;
	if (bytes_starts(file, PROMPT_RECORDING))
		return sound_recording_is_good(bytes_from(file, strlen(PROMPT_RECORDING)));
	if (bytes_starts(file, PROMPT_BY_NAME))
		file = bytes_from(file, strlen(PROMPT_BY_NAME));
	return presence_name_fits(file);
}

static bool greeting_has(struct bytes list, struct bytes state, struct bytes *file)
{
	struct bytes one, name;

	while (bytes_cut(&list, ',', &one)) {
		if (bytes_cut(&one, '=', &name) && bytes_eq(name, state)) {
			*file = one;
			return true;
		}
	}
	return false;
}

const char *greetings_wrong(const char *list)
{
	struct bytes rest = bytes_str(list), before = bytes_mem(rest.p, 0), one, state, file;

	if (rest.n && rest.p[rest.n - 1] == ',')
		return "there is no greeting behind a ','";
	while (bytes_cut(&rest, ',', &one)) {
		struct bytes all = one;

		if (!bytes_cut(&one, '=', &state) || !presence_name_fits(state) ||
		    state.n >= PRESENCE_MAX)
			return "each greeting is STATE=FILE";
		if (!greeting_file_is_good(one))
			return "a greeting is the name of a file, prompt:NAME or "
			       "recording:CALL-NUMBER";
		if (greeting_has(before, state, &file))
			return "a state has one greeting";
		before.n = (size_t)(all.p + all.n - before.p);
	}
	return NULL;
}

void greeting_of(const char *list, const char *state, char out[GREETING_FILE_MAX])
{
	struct bytes all = bytes_str(list), file;
	const char *prompt = g_greetings[0].prompt;

	if (!state[0])
		state = PRESENCE_USUAL;
	for (size_t i = 0; i < COUNT_OF(g_greetings); i++) {
		if (!strcmp(state, g_greetings[i].state))
			prompt = g_greetings[i].prompt;
	}
	if ((!greeting_has(all, bytes_str(state), &file) &&
	     !greeting_has(all, BYTES_LIT(GREETING_OTHERWISE), &file)) ||
	    bytes_cstr(file, out, GREETING_FILE_MAX))
		(void)bytes_cstr(bytes_str(prompt), out, GREETING_FILE_MAX);
}

bool greeting_set(const char *list, const char *state, struct bytes file, char out[GREETINGS_MAX])
{
	struct writer w = writer_over(out, GREETINGS_MAX - 1);
	struct bytes rest = bytes_str(list), one, name;

	while (bytes_cut(&rest, ',', &one)) {
		struct bytes all = one;

		if (!bytes_cut(&one, '=', &name) || bytes_is(name, state))
			continue;
		writer_str(&w, w.n ? "," : "");
		writer_bytes(&w, all);
	}
	if (file.n) {
		WRITER_TEXTS(&w, w.n ? "," : "", state, "=");
		writer_bytes(&w, file);
	}
	if (w.overflow)
		return false;
	out[w.n] = '\0';
	return true;
}
