/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/local_request.h"

#include <string.h>

#include "app/command/control_entry.h"

static bool is_member(const char *name)
{
	static const char *const members[] = { "id", "do", "args", "tenant", "role" };

	for (size_t i = 0; i < COUNT_OF(members); i++) {
		if (!strcmp(name, members[i]))
			return true;
	}
	return false;
}

/* Empty where it is absent. False: it is no string. */
static bool text_take(const json_t *json, const char *name, struct bytes *out)
{
	const json_t *value = json_object_get(json, name);

	*out = (struct bytes){ 0 };
	if (json_is_string(value))
		*out = bytes_mem(json_string_value(value), json_string_length(value));
	return !value || json_is_string(value);
}

/* Who asks is an operator, or a tenant in one of its roles. */
static const char *who_read(struct local_request *r, struct bytes role)
{
	r->role = r->tenant.n ? COMMAND_FOR_ADMIN : COMMAND_FOR_OPERATOR;
	if (r->tenant.n >= COMMAND_TENANT_MAX || !command_allows(CHARSET_NAME, r->tenant))
		return "tenant must be 1 to 31 letters, digits, '.', '_' or '-'";
	if (!role.n)
		return NULL;
	for (size_t i = 0; r->tenant.n && g_command_roles[i]; i++) {
		if (bytes_is(role, g_command_roles[i])) {
			r->role = (enum command_role)i;
			return NULL;
		}
	}
	return "role must be reader, application or admin, of a tenant";
}

static const char *request_fill(struct local_request *r)
{
	struct control_entry entry = { .version = BYTES_LIT("1") };
	struct bytes role;
	const char *name, *wrong;
	json_t *value;

	if (!json_is_object(r->json))
		return "a request must be a line with a JSON object";
	json_object_foreach(r->json, name, value)
	{
		if (!is_member(name))
			return "a request has id, do, args, tenant and role, and nothing else";
	}
	if (!text_take(r->json, "id", &r->id) || !text_take(r->json, "do", &r->command) ||
	    !text_take(r->json, "tenant", &r->tenant) || !text_take(r->json, "role", &role))
		return "id, do, tenant and role must be strings";
	r->args = json_object_get(r->json, "args");
	if (r->args && !json_is_object(r->args))
		return "args must be a JSON object";
	entry.id = r->id;
	entry.command = r->command;
	wrong = control_entry_check(&entry);
	return wrong ? wrong : who_read(r, role);
}

const char *local_request_read(struct local_request *out, struct bytes line)
{
	const char *wrong;

	*out = (struct local_request){ 0 };
	out->json = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	wrong = request_fill(out);
	if (wrong)
		local_request_free(out);
	return wrong;
}

void local_request_free(struct local_request *r)
{
	json_decref(r->json);
	*r = (struct local_request){ 0 };
}
