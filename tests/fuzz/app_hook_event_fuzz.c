/* SPDX-License-Identifier: Apache-2.0 */
/* A line of patterns, and an event. Oracles: patterns take what fnmatch takes of them; what is posted is JSON that holds the event as it was. */
#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "app/helper/hook_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool takes(struct bytes patterns, const char *type)
{
	bool any = !patterns.n;
	struct bytes one;
	char text[256];

	while (bytes_cut(&patterns, ',', &one))
		any |= !bytes_cstr(one, text, sizeof(text)) && !fnmatch(text, type, 0);
	return any;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes event = bytes_mem(data, size), patterns = { 0 };
	const char *type;
	json_t *json, *body;
	uint64_t order;
	char *text;

	(void)!bytes_cut(&event, '\n', &patterns);
	json = json_loadb((const char *)event.p, event.n, 0, NULL);
	type = json_string_value(json_object_get(json, "type"));
	if (patterns.n < 256 && !hook_patterns_wrong(patterns) &&
	    hook_event_wanted(json, patterns, (struct bytes){ 0 }, &order)) {
		assert(takes(patterns, type));
		text = hook_event_body(json, "1795819317949-3", "acme");
		body = text ? json_loads(text, 0, NULL) : NULL;
		assert(body && json_equal(json_object_get(body, "data"), json));
		json_decref(body);
		free(text);
	} else if (type && type[0] && patterns.n < 256 && !hook_patterns_wrong(patterns)) {
		assert(!takes(patterns, type));
	}
	(void)hook_id_ms(event);
	json_decref(json);
	return 0;
}
