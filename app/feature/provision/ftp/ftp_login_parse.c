/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of pure-ftpd to a program that says who may log in: lines of a key and a value. It comes
 * from the same machine, but the user and the password in it come from anybody. */

#include <errno.h>
#include <string.h>

#include "app/feature/provision/ftp/ftp.h"

static bool login_field(struct ftp_login *out, struct bytes key, struct bytes value)
{
	const struct {
		const char *key;
		char *to;
	} of[] = { { "account", out->user },
		   { "password", out->password },
		   { "peer", out->peer },
		   { "localhost", out->host } };

	for (size_t i = 0; i < COUNT_OF(of); i++) {
		if (bytes_is(key, of[i].key))
			return bytes_find(value, 0) == value.n &&
			       !bytes_cstr(value, of[i].to, FTP_TEXT_MAX);
	}
	return true; /* later versions may say more */
}

int ftp_login_parse(struct ftp_login *out, struct bytes octets)
{
	struct ftp_login found = { 0 };
	struct bytes rest = octets, line, value;
	int err = -EAGAIN;

	while (err == -EAGAIN && bytes_find(rest, '\n') < rest.n) {
		(void)bytes_cut(&rest, '\n', &line);
		value = line;
		if (bytes_is(line, "end"))
			err = found.user[0] ? 0 : -EBADMSG;
		else if (!bytes_cut(&value, ':', &line) || !login_field(&found, line, value))
			err = -EBADMSG;
	}
	if (!err)
		*out = found;
	explicit_bzero(&found, sizeof(found));
	return err;
}
