/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of pure-ftpd for a log-in. Oracle: what is read, written again, is read as the same; a request without its end is not whole.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/feature/provision/ftp/ftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char again[4 * FTP_TEXT_MAX + 64];
	struct ftp_login login = { 0 }, other = { 0 }, whole;
	int n, err = ftp_login_parse(&login, bytes_mem(data, size));

	assert(err == 0 || err == -EAGAIN || err == -EBADMSG);
	if (err) {
		assert(!memcmp(&login, &other, sizeof(login)));
		return 0;
	}
	assert(login.user[0]);
	n = snprintf(again, sizeof(again), "account:%s\npassword:%s\npeer:%s\nlocalhost:%s\nend\n",
		     login.user, login.password, login.peer, login.host);
	assert(ftp_login_parse(&other, bytes_mem(again, (size_t)n - 4)) == -EAGAIN);
	assert(!ftp_login_parse(&whole, bytes_mem(again, (size_t)n)));
	assert(!strcmp(login.user, whole.user) && !strcmp(login.password, whole.password) &&
	       !strcmp(login.peer, whole.peer) && !strcmp(login.host, whole.host));
	return 0;
}
