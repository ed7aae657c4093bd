/* SPDX-License-Identifier: Apache-2.0 */
/* application/pidf+xml (RFC 3863), with what the user does by RFC 4480: of calls and registrations, as nobody publishes here. */
#include "sig/subscription/package.h"

static bool is_registered_now(const struct package_state *state)
{
	for (uint32_t i = 0; state->entry && i < state->entry->count; i++) {
		if (state->entry->bindings[i].expires_utc_ms > state->utc_ms)
			return true;
	}
	return false;
}

void presence_write(struct writer *w, const struct package_state *state)
{
	writer_str(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
		      " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
		      " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"");
	package_write_uri(w, &state->entity);
	writer_str(w, "\">\r\n<tuple id=\"t\"><status><basic>");
	writer_str(w, is_registered_now(state) ? "open" : "closed");
	writer_str(w, "</basic></status></tuple>\r\n");
	if (state->dialog_count)
		writer_str(w, "<dm:person id=\"p\"><rpid:activities><rpid:on-the-phone/>"
			      "</rpid:activities></dm:person>\r\n");
	writer_str(w, "</presence>\r\n");
}
