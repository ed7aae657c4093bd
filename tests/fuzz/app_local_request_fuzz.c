/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the local control socket. Oracle: it is refused with a reason and owns nothing, or it lies within all limits, and what was read,
 * written by other means, is read the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/control_local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_limits(const struct local_request *r)
{
	assert(r->id.n > 0 && r->id.n <= 64 && r->command.n > 0);
	assert(r->tenant.n < COMMAND_TENANT_MAX);
	assert(r->tenant.n == 0 || !memchr(r->tenant.p, 0, r->tenant.n));
	assert((r->role == COMMAND_FOR_OPERATOR) == (r->tenant.n == 0));
	assert(!r->args || json_is_object(r->args));
}

static json_t *text_json(struct bytes b)
{
	return json_stringn((const char *)b.p, b.n);
}

static char *written(const struct local_request *r)
{
	json_t *json = json_pack("{s:o, s:o}", "id", text_json(r->id), "do", text_json(r->command));
	char *text;

	if (r->tenant.n) {
		json_object_set_new(json, "tenant", text_json(r->tenant));
		json_object_set_new(json, "role", json_string(command_role_name(r->role)));
	}
	if (r->args)
		json_object_set(json, "args", (json_t *)(uintptr_t)r->args);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	assert(text);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct local_request a, b;
	const char *wrong = local_request_read(&a, bytes_mem(data, size));
	char *text;

	if (wrong) {
		assert(wrong[0] && !a.json);
		return 0;
	}
	check_limits(&a);
	text = written(&a);
	assert(!local_request_read(&b, bytes_str(text)));
	assert(bytes_eq(a.id, b.id) && bytes_eq(a.command, b.command));
	assert(bytes_eq(a.tenant, b.tenant) && a.role == b.role);
	assert(a.args ? json_equal(a.args, b.args) : !b.args);
	free(text);
	local_request_free(&a);
	local_request_free(&b);
	return 0;
}
