# Builds the programs and installs them with all that belongs to them, as packagers expect it (GNU make).
#
#     make && sudo make install                              # into /usr/local
#     make install DESTDIR=/tmp/tree PREFIX=/usr             # for a package
#     make deb rpm                                           # the packages; needs cargo-deb, cargo-generate-rpm
#
# Installing builds nothing, so that root needs no compiler, and prints what to do next. Folders may be given by their
# GNU names as well, such as bindir=/usr/sbin. Texts that name folders follow; the programs' own defaults do not, so folders
# other than /var and /etc are written into the configuration of the daemon and of the collector.

PREFIX ?= /usr/local
prefix = $(PREFIX)
bindir = $(prefix)/bin
datadir = $(prefix)/share
mandir = $(datadir)/man
docdir = $(datadir)/doc/mirrorlistd
sysconfdir = /etc
localstatedir = /var
unitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
# The profile that programs are built with, and the folder where cargo puts them.
PROFILE ?= release
builddir = $(CARGO_TARGET_DIR)/$(PROFILE:dev=debug)
# Where others are built for release, those that serve nobody have a profile of their own; see Cargo.toml.
apartprofile = $(PROFILE:release=apart)
apartdir = $(CARGO_TARGET_DIR)/$(apartprofile:dev=debug)
completions = $(builddir)/completions
sbom = $(builddir)/sbom.cdx.json
notices = $(builddir)/THIRD-PARTY-NOTICES
build = CARGO_TARGET_DIR='$(CARGO_TARGET_DIR)' $(CARGO) build --locked
INSTALL ?= install
STRIP ?= strip

apart = mirrorlist-collect mirrorlist-report
others = mirrorlistd mirrorlist-http mirrorlist-cache
programs = $(others) $(apart)
built = $(addprefix '$(builddir)'/,$(others)) $(addprefix '$(apartdir)'/,$(apart))
# Each is a package; its example of this name writes what shells complete. They run once, here, so none is built for speed.
helpers = $(addsuffix -completions,$(programs)) mirrorlistd-sbom mirrorlistd-notices

# One source makes one package, wherever and whenever: what is built for release names no folder of this machine, and every
# time is that of the source, which is SOURCE_DATE_EPOCH, else of the last commit, else of the changelog. Flags that are given,
# such as a distribution's, are taken as they are. `make flags` prints ours, for other builds that are to share the crates.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell [ -e .git ] && git log -1 --format=%ct 2>/dev/null || stat --format=%Y CHANGELOG.md)
endif
CARGO_HOME ?= $(HOME)/.cargo
folders = $(CURDIR)=/mirrorlistd $(CARGO_TARGET_DIR:target=$(CURDIR)/target)=/mirrorlistd/target $(CARGO_HOME)=/cargo
# With a blank in one of them there are more.
ifeq ($(PROFILE) $(words $(folders)),release 3)
RUSTFLAGS ?= $(addprefix --remap-path-prefix=,$(folders))
CFLAGS ?= $(addprefix -ffile-prefix-map=,$(folders))
export RUSTFLAGS CFLAGS
endif
export SOURCE_DATE_EPOCH

# What is installed: SOURCE:PLACE, with the mode of a text.
units = $(wildcard $(addprefix systemd/*.,service socket path timer))
examples = $(filter-out %/logrotate,$(wildcard systemd/examples/*))
# In folders as they are here, so that links between them lead somewhere.
documents = README.md CHANGELOG.md SECURITY.md LICENSE \
	shared/answer/SPEC.md shared/answer/COMPATIBILITY.md shared/answer/answer.schema.json \
	$(addsuffix /README.md,benches daemon frontend shared systemd) $(wildcard benches/figures/*.svg benches/figures/*.png)
texts = \
	$(foreach unit,$(units),$(unit):$(unitdir)/$(notdir $(unit))) \
	systemd/sysusers.d/mirrorlist.conf:$(sysusersdir)/mirrorlist.conf \
	systemd/tmpfiles.d/mirrorlist.conf:$(tmpfilesdir)/mirrorlist.conf \
	$(foreach page,$(wildcard systemd/man/*.?),$(page):$(mandir)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
	$(foreach example,$(examples),$(example):$(docdir)/examples/$(notdir $(example))) \
	systemd/packaging/Containerfile:$(docdir)/examples/Containerfile \
	$(foreach document,$(documents),$(document):$(docdir)/$(document)) \
	$(sbom):$(docdir)/sbom.cdx.json $(notices):$(docdir)/THIRD-PARTY-NOTICES \
	$(foreach program,$(programs), \
		$(completions)/$(program).bash:$(bashcompletiondir)/$(program) \
		$(completions)/_$(program):$(zshcompletiondir)/_$(program) \
		$(completions)/$(program).fish:$(fishcompletiondir)/$(program).fish)
# The same, but what is there already is left as it is.
settings = \
	systemd/mirrorlistd.toml:$(sysconfdir)/mirrorlist/mirrorlistd.toml \
	systemd/mirrorlist-http.toml:$(sysconfdir)/mirrorlist/mirrorlist-http.toml \
	systemd/mirrorlist-cache.toml:$(sysconfdir)/mirrorlist/mirrorlist-cache.toml \
	systemd/mirrorlist-collect.toml:$(sysconfdir)/mirrorlist/mirrorlist-collect.toml \
	systemd/mirrorlist-report.toml:$(sysconfdir)/mirrorlist/mirrorlist-report.toml \
	systemd/examples/logrotate:$(sysconfdir)/logrotate.d/mirrorlistd

# Has a text name the folders of this installation.
edit = sed -e 's|/usr/bin/mirrorlist|$(bindir)/mirrorlist|g' \
	-e 's|/usr/share/doc/mirrorlistd|$(docdir)|g' \
	$(if $(filter-out /etc,$(sysconfdir)),-e 's!^\#mirrors = "/etc!mirrors = "/etc!') \
	$(if $(filter-out /var,$(localstatedir)),-e 's!^\#\(cache\|state\|output\) = "/var!\1 = "/var!') \
	-e 's|/etc/mirrorlist|$(sysconfdir)/mirrorlist|g' -e 's|/var/lib/mirrorlist|$(localstatedir)/lib/mirrorlist|g'

# What is left to do after an installation that is no package's, as root, line by line.
inputdir = $(localstatedir)/lib/mirrorlist/input
define next
Next, as root:

    systemd-sysusers $(sysusersdir)/mirrorlist.conf
    systemd-tmpfiles --create $(tmpfilesdir)/mirrorlist.conf
    systemctl daemon-reload

Without MirrorManager go on in $(docdir)/systemd/README.md, "A folder of mirrors".
With it put its files into $(inputdir), under the names that
$(sysconfdir)/mirrorlist/mirrorlist-cache.toml has, and

    systemctl start mirrorlist-cache.service
    systemctl enable --now mirrorlistd.socket mirrorlistd.service mirrorlist-http.service
    systemctl enable --now mirrorlist-cache.path mirrorlist-cache.timer

See that it answers, for one of the repositories that the second line names:

    $(bindir)/mirrorlistd status
    $(bindir)/mirrorlist-cache list repositories $(localstatedir)/lib/mirrorlist/cache.mlc
    curl 'http://127.0.0.1:8080/mirrorlist?repo=epel-9&arch=x86_64'

What goes wrong says `journalctl -u mirrorlist-cache -u mirrorlistd -u mirrorlist-http`.
endef
export next

.PHONY: all check flags install install-strip uninstall deb rpm clean

# Programs first and by themselves: what writes completions and the bill of materials has crates of its own, and programs
# that are built with it would get these crates' features.
all:
	$(build) --profile $(PROFILE) $(addprefix --package ,$(others)) --bins
	$(build) --profile $(apartprofile) $(addprefix --package ,$(apart)) --bins
	$(build) --profile $(apartprofile) $(addprefix --package ,$(programs)) $(addprefix --example ,$(helpers))
	mkdir -p '$(completions)'
	set -e; for program in $(programs); do '$(apartdir)'/examples/"$$program"-completions '$(completions)'; done
	CARGO='$(CARGO)' '$(apartdir)'/examples/mirrorlistd-sbom '$(others)' '$(apart)' >'$(sbom)'.$$$$ && mv '$(sbom)'.$$$$ '$(sbom)'
	CARGO='$(CARGO)' '$(apartdir)'/examples/mirrorlistd-notices '$(sbom)' >'$(notices)'.$$$$ && mv '$(notices)'.$$$$ '$(notices)'

flags:
	@printf "export RUSTFLAGS='%s' CFLAGS='%s'\n" "$$RUSTFLAGS" "$$CFLAGS"

check:
	CARGO_TARGET_DIR='$(CARGO_TARGET_DIR)' $(CARGO) test --locked --workspace

install:
	@test -e '$(builddir)/mirrorlistd' -a -d '$(completions)' -a -e '$(notices)' || { echo 'not built yet: run make first' >&2; exit 1; }
	$(INSTALL) -d '$(DESTDIR)$(bindir)'
	$(INSTALL) -m 755 $(built) '$(DESTDIR)$(bindir)'
	@set -e; for pair in $(texts); do \
		echo "$${pair#*:}"; \
		$(edit) "$${pair%%:*}" | $(INSTALL) -D -m 644 /dev/stdin "$(DESTDIR)$${pair#*:}"; \
	done
	@set -e; for pair in $(settings); do \
		place="$(DESTDIR)$${pair#*:}"; \
		if [ -e "$$place" ]; then echo "$${pair#*:}: is there, left as it is"; continue; fi; \
		echo "$${pair#*:}"; \
		$(edit) "$${pair%%:*}" | $(INSTALL) -D -m 644 /dev/stdin "$$place"; \
	done
	@[ -n '$(DESTDIR)' ] || printf '\n%s\n' "$$next"

install-strip: install
	$(STRIP) --strip-all --remove-section=.comment $(addprefix '$(DESTDIR)$(bindir)'/,$(programs))

# Configuration that was changed stays, as does what the service has written.
uninstall:
	rm -f $(addprefix '$(DESTDIR)$(bindir)'/,$(programs))
	@for pair in $(texts); do rm -f "$(DESTDIR)$${pair#*:}"; done
	@for pair in $(settings); do \
		place="$(DESTDIR)$${pair#*:}"; \
		if $(edit) "$${pair%%:*}" | cmp -s - "$$place"; then rm -f "$$place"; fi; \
	done
	-@find '$(DESTDIR)$(docdir)' '$(DESTDIR)$(sysconfdir)/mirrorlist' -depth -type d -empty -delete 2>/dev/null

# Packages hold what `make install` installs; REVISION counts packages of one version. daemon/Cargo.toml, which says what
# is in them, looks for that tree in target/package, wherever cargo builds.
REVISION ?= 1
# Who answers for the Debian package, as "NAME <ADDRESS>".
MAINTAINER ?= The mirrorlistd contributors
# For cargo-deb and cargo-generate-rpm, such as to compress less.
DEBFLAGS ?=
RPMFLAGS ?=
packages = $(CARGO_TARGET_DIR)/packages
tree = rm -rf target/package && $(MAKE) --no-print-directory --silent install-strip DESTDIR=target/package PREFIX=/usr

# Debian has its own names for changelogs, and licences in the file that cargo-deb adds.
debdoc = target/package/usr/share/doc/mirrorlistd
version = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)-$(REVISION)

deb: all
	$(tree) zshcompletiondir=/usr/share/zsh/vendor-completions
	gzip -9n <$(debdoc)/CHANGELOG.md >$(debdoc)/changelog.gz
	printf 'mirrorlistd ($(version)) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' \
		'$(MAINTAINER)' "$$(date --utc --rfc-email --date=@$$SOURCE_DATE_EPOCH)" | gzip -9n >$(debdoc)/changelog.Debian.gz
	rm $(debdoc)/CHANGELOG.md $(debdoc)/LICENSE
	CARGO_TARGET_DIR='$(CARGO_TARGET_DIR)' $(CARGO) deb --no-build --no-strip --package mirrorlistd \
		--maintainer '$(MAINTAINER)' --deb-revision '$(REVISION)' --output '$(packages)/' $(DEBFLAGS)

rpm: all
	$(tree)
	gzip -9n target/package/usr/share/man/*/*
	mkdir -p '$(packages)'
	$(CARGO) generate-rpm --package daemon --set-metadata 'release = "$(REVISION)"' \
		--output '$(packages)/' $(RPMFLAGS)

clean:
	$(CARGO) clean
