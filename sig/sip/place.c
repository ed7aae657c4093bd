/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/place.h"

#include <errno.h>

#include "sig/sip/message.h"

int sip_place_read(struct sip_place *out, struct bytes text)
{
	uint8_t space[SIP_PLACE_HOST_MAX + 16];
	struct writer w = writer_over(space, sizeof(space));
	struct sip_uri uri;

	writer_str(&w, "sip:");
	writer_bytes(&w, text);
	*out = (struct sip_place){ .host = "" };
	if (w.overflow || sip_uri_parse(&uri, writer_done(&w)) || uri.user.n || uri.params.n ||
	    uri.headers.n || !uri.host.n)
		return -EINVAL;
	out->port = uri.port;
	return bytes_cstr(uri.host, out->host, sizeof(out->host)) ? -EINVAL : 0;
}
