"""What docker-compose.yml promises, checked in the form that Compose's `config` prints."""

import re
import sys

import yaml

DRAIN_SECONDS_MAX = 15  # --drain-delay 0 s + --drain-period 10 s + 5 s


def host_of(port):
    # Compose 1 prints "127.0.0.1:8080:8080/tcp", Compose 2 a map.
    if isinstance(port, dict):
        return port.get("host_ip")
    host, separator, _ = port.rpartition(":")[0].rpartition(":")
    return host if separator else None


def seconds(duration):
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)([hms])", duration))


def complaints(services):
    for name, service in services.items():
        if not service.get("read_only"):
            yield f"{name}: its root is writable"
        if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
            yield f"{name}: it keeps capabilities"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name}: it may gain privileges"
        for port in service.get("ports", []):
            if host_of(port) != "127.0.0.1":
                yield f"{name}: {port} is open to other machines"
    gateway, demo = services["gateway"], services["demo"]
    if seconds(gateway["stop_grace_period"]) <= DRAIN_SECONDS_MAX:
        yield "gateway: it would be killed in the middle of a drain"
    if gateway["ulimits"]["nofile"]["hard"] < 65536:
        yield "gateway: too few files"
    if demo["depends_on"]["gateway"]["condition"] != "service_healthy":
        yield "demo: it does not wait for the gateway's health"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = list(complaints(yaml.safe_load(file)["services"]))
    for complaint in found:
        print("docker-compose.yml:", complaint, file=sys.stderr)
    sys.exit(1 if found else 0)


main()
