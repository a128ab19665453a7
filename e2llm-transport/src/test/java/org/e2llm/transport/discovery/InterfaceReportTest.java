package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Nic;
import org.junit.jupiter.api.Test;

class InterfaceReportTest {
  private static final LanInterface LOOPBACK =
      new LanInterface("lo", addresses("127.0.0.1", "::1"), true, true, false, false, 1500);

  @Test
  void loopbackIsUsedWhereThereIsNothingElse() {
    InterfaceReport report = InterfaceReport.choose(List.of(LOOPBACK)).get(0);
    assertThat(report.used()).isEqualTo(addresses("127.0.0.1"));
    assertThat(report.reason()).isEmpty();
  }

  @Test
  void loopbackIsNotUsedBesideALan() {
    List<InterfaceReport> reports =
        InterfaceReport.choose(List.of(LOOPBACK, lan("eth0", "10.0.0.1")));
    assertThat(reports.get(0).used()).isEmpty();
    assertThat(reports.get(0).reason()).contains("eth0 is used");
    assertThat(reports.get(1).used()).isEqualTo(addresses("10.0.0.1"));
  }

  @Test
  void everyUsableInterfaceIsUsedWithIpv4AndOneIpv6AddressOfTheLinkIfItCan() {
    List<InterfaceReport> reports =
        InterfaceReport.choose(
            List.of(
                lan("eth0", "fd00::1", "fe80::1", "10.0.0.1", "10.0.1.1", "10.0.2.1"),
                lan("wlan0", "2001:db8::5")));
    assertThat(reports.get(0).used()).isEqualTo(addresses("10.0.0.1", "10.0.1.1", "fe80::1"));
    assertThat(reports.get(1).used()).isEqualTo(addresses("2001:db8::5"));
  }

  @Test
  void saysWhyAnInterfaceIsNotUsed() {
    List<InterfaceReport> reports =
        InterfaceReport.choose(
            List.of(
                new LanInterface("eth1", addresses("10.0.0.1"), false, false, false, true, 1500),
                new LanInterface("eth2", List.of(), true, false, false, true, 1500),
                new LanInterface("tun0", addresses("10.8.0.2"), true, false, true, true, 1500),
                new LanInterface("ib0", addresses("10.9.0.2"), true, false, false, false, 1500)));
    assertThat(reports).allMatch(report -> report.used().isEmpty());
    assertThat(reports.get(0).reason()).isEqualTo("is down");
    assertThat(reports.get(1).reason()).isEqualTo("has no address");
    assertThat(reports.get(2).reason()).contains("tunnel").contains("by host and port");
    assertThat(reports.get(3).reason()).contains("no multicast").contains("by host and port");
  }

  @Test
  void whereWifiIsAllThereIsItIsTheMedium() {
    LanInterface wifi = lan("wlan0", "192.168.1.7");
    LanInterface modem = lan("rmnet_data0", "10.64.0.9");
    assertThat(LanInterface.nic(List.of(LOOPBACK, wifi, modem))).isEqualTo(Nic.WIFI);
    assertThat(LanInterface.nic(List.of(LOOPBACK, wifi, lan("eth0", "192.168.1.8"))))
        .isEqualTo(Nic.GIGABIT_ETHERNET);
    assertThat(LanInterface.nic(List.of(LOOPBACK))).isEqualTo(Nic.GIGABIT_ETHERNET);
  }

  @Test
  void linkLocalAddressesOfOthersGetTheScopeTheyCameFrom() throws Exception {
    Inet6Address own = Inet6Address.getByAddress(null, bytes("fe80::1"), 3);
    Inet6Address source = Inet6Address.getByAddress(null, bytes("fe80::9"), 5);
    LanInterface lan = new LanInterface("x", List.of(own), true, false, false, true, 1500);
    InetAddress other = InetAddress.getByAddress(bytes("fe80::2"));
    assertThat(((Inet6Address) lan.scoped(other, source)).getScopeId()).isEqualTo(5);
    assertThat(((Inet6Address) lan.scoped(other, null)).getScopeId()).isEqualTo(3);
    InetAddress global = InetAddress.getByAddress(bytes("fd00::2"));
    assertThat(lan.scoped(global, source)).isSameAs(global);
  }

  @Test
  void thisHostHasALoopbackInterfaceThatIsUp() {
    assertThat(LanInterface.all()).anyMatch(lan -> lan.loopback() && lan.up());
  }

  private static LanInterface lan(String name, String... addresses) {
    return new LanInterface(name, addresses(addresses), true, false, false, true, 1500);
  }

  private static byte[] bytes(String address) {
    return addresses(address).get(0).getAddress();
  }

  private static List<InetAddress> addresses(String... texts) {
    List<InetAddress> addresses = new ArrayList<>();
    for (String text : texts) {
      try {
        addresses.add(InetAddress.getByName(text));
      } catch (java.net.UnknownHostException e) {
        throw new IllegalArgumentException(e);
      }
    }
    return addresses;
  }
}
