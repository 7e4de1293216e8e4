"""What Nova's databases and Neutron know: servers, migrations, ports, cells."""
