/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/location/registrar_entry.h"

static bool has_instance(const struct sip_message *m, const struct binding *b)
{
	struct bytes ours = text_bytes(&b->instance), theirs;
	struct sip_name_addr contact;
	unsigned cursor = 0;

	for (int i = 0; ours.n && i < REGISTER_CONTACTS_MAX; i++) {
		if (message_name_addr_next(m, "Contact", &cursor, &contact) != 1)
			break;
		if (sip_param(contact.params, "+sip.instance", &theirs) && bytes_eq(ours, theirs))
			return true;
	}
	return false;
}

static bool binding_is_of(const struct sip_message *m, const struct binding *b)
{
	if (sip_hop_same(&b->hop, &m->hop))
		return true;
	return m->method == SIP_REGISTER &&
	       (bytes_eq(text_bytes(&b->call_id), m->call_id) || has_instance(m, b));
}

bool registrar_knows(const struct aor *entry, const struct sip_message *request, uint64_t utc_ms)
{
	for (uint32_t i = 0; i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];

		if (b->expires_utc_ms > utc_ms && binding_is_of(request, b))
			return true;
	}
	return false;
}

static bool is_contact_of(const struct sip_message *m, const struct binding *b)
{
	struct sip_uri uri;

	return m->has_contact && !sip_uri_parse(&uri, text_bytes(&b->contact)) &&
	       sip_uri_equal(&uri, &m->contact.uri);
}

uint16_t registrar_location(const struct aor *entry, const struct sip_message *request,
			    uint64_t utc_ms)
{
	bool any = false, mixed = false;
	uint16_t found = 0;

	for (uint32_t i = 0; i < entry->count; i++) {
		const struct binding *b = &entry->bindings[i];

		if (b->expires_utc_ms <= utc_ms)
			continue;
		if (is_contact_of(request, b))
			return b->location;
		if (!sip_hop_same(&b->hop, &request->hop))
			continue;
		mixed |= any && b->location != found;
		found = b->location;
		any = true;
	}
	return mixed ? 0 : found;
}
