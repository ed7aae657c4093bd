/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the node as JSON. */
#include <stdlib.h>

#include "app/command/command_handlers.h"
#include "sig/sip/id.h"

json_t *command_text_json(struct bytes text)
{
	json_t *json = json_stringn((const char *)text.p, text.n);
	char *copy;

	if (json || !text.n)
		return json ? json : json_string("");
	/* from the wire, and not UTF-8 */
	copy = malloc(text.n);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < text.n; i++)
		copy[i] = (char)(text.p[i] & 0x80 ? '?' : text.p[i]);
	json = json_stringn(copy, text.n);
	free(copy);
	return json;
}

json_t *command_addr_json(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	return a->family == ADDR_NONE ? json_null() : json_string(addr_text(a, text));
}

json_t *command_call_id_json(uint64_t call)
{
	char text[ID_TEXT_LEN];

	id_call_put(text, call);
	return json_stringn(text, sizeof(text));
}
