/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is found is a command whose path it is; what its arguments become are arguments of it, each once. */
#include <assert.h>
#include <string.h>

#include "app/schema/list.h"
#include "app/schema/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_args(const struct route *r, const struct bytes keys[ROUTE_KEYS],
		       struct bytes query)
{
	json_t *args = json_object(), *value;
	struct bytes argument;
	const char *name, *wrong = route_args(r, keys, query, args, &argument);

	json_object_foreach(args, name, value)
	{
		assert(!strcmp(name, g_command_tenant.name) ||
		       command_arg_find(r->command, bytes_str(name)) ||
		       list_takes(r->command, bytes_str(name)));
	}
	for (size_t i = 0; i < ROUTE_KEYS && r->keys[i]; i++)
		assert(wrong || json_object_get(args, r->keys[i]));
	json_decref(args);
}

/* METHOD PATH LF ARGUMENTS */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size }, path, keys[ROUTE_KEYS];
	char allow[ROUTE_ALLOW_MAX];
	const struct route *r;

	route_setup();
	if (!size || !bytes_cut(&rest, '\n', &path))
		return 0;
	r = route_find((enum route_method)(data[0] % (ROUTE_METHODS + 1)), bytes_from(path, 1),
		       keys, allow);
	for (size_t i = 0; r && i < ROUTE_KEYS; i++)
		assert(!r->keys[i] == !keys[i].n &&
		       !memchr(keys[i].p ? keys[i].p : data, '/', keys[i].n));
	if (r)
		check_args(r, keys, rest);
	return 0;
}
