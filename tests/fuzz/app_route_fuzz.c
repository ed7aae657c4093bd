/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what is found is a command whose path it is; what its arguments become are arguments of it, each once. */
#include <assert.h>
#include <string.h>

#include "app/schema/list.h"
#include "app/schema/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_args(const struct route *r, struct bytes key, struct bytes query)
{
	json_t *args = json_object(), *value;
	struct bytes argument;
	const char *name, *wrong = route_args(r, key, query, args, &argument);

	json_object_foreach(args, name, value)
	{
		assert(!strcmp(name, g_command_tenant.name) ||
		       command_arg_find(r->command, bytes_str(name)) ||
		       list_takes(r->command, bytes_str(name)));
	}
	assert(wrong || !r->key || json_object_get(args, r->key));
	assert(wrong || json_object_size(args) >= (r->key ? 1U : 0U));
	json_decref(args);
}

/* METHOD PATH LF ARGUMENTS */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size }, path, key;
	char allow[ROUTE_ALLOW_MAX];
	const struct route *r;

	route_setup();
	if (!size || !bytes_cut(&rest, '\n', &path))
		return 0;
	r = route_find((enum route_method)(data[0] % (ROUTE_METHODS + 1)), bytes_from(path, 1),
		       &key, allow);
	assert(!r || (!r->key == !key.n && !memchr(key.p ? key.p : data, '/', key.n)));
	if (r)
		check_args(r, key, rest);
	return 0;
}
