package org.e2llm.plan;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.PlanFormatException;
import org.jspecify.annotations.Nullable;

/**
 * A fleet as JSON and back: devices with their measured figures, and the links that were measured.
 * {@code docs/planner.md} shows an example.
 *
 * <p>As strict as {@link PlanCodec}; only {@code links} and {@code medium} may be left out.
 */
public final class FleetCodec {
  /** Value of the field {@code format}. */
  public static final String FORMAT = "e2llm-fleet/1";

  private FleetCodec() {}

  /** Indented, with a fixed order of fields. */
  public static String toJson(Fleet fleet) {
    return JsonText.write(
        json -> {
          json.writeStringField("format", FORMAT);
          json.writeStringField("name", fleet.name());
          json.writeArrayFieldStart("devices");
          for (DeviceProfile device : fleet.devices()) {
            writeDevice(json, device);
          }
          json.writeEndArray();
          json.writeArrayFieldStart("links");
          for (LinkProfile link : fleet.links()) {
            json.writeStartObject();
            json.writeStringField("a", link.a());
            json.writeStringField("b", link.b());
            writeSpeed(json, link.bytesPerSecond(), link.latencySeconds(), link.medium());
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  private static void writeDevice(JsonGenerator json, DeviceProfile device) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", device.id());
    json.writeStringField("name", device.name());
    json.writeNumberField("prefillFlops", device.prefillFlops());
    json.writeNumberField("decodeFlops", device.decodeFlops());
    json.writeNumberField("memoryBandwidth", device.memoryBandwidth());
    json.writeNumberField("stepSeconds", device.stepSeconds());
    json.writeNumberField("memoryBytes", device.memoryBytes());
    json.writeBooleanField("fma", device.fma());
    json.writeObjectFieldStart("nic");
    Nic nic = device.nic();
    writeSpeed(json, nic.bytesPerSecond(), nic.latencySeconds(), nic.medium());
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void writeSpeed(
      JsonGenerator json, double bytesPerSecond, double latencySeconds, @Nullable String medium)
      throws IOException {
    json.writeNumberField("bytesPerSecond", bytesPerSecond);
    json.writeNumberField("latencySeconds", latencySeconds);
    if (medium != null) {
      json.writeStringField("medium", medium);
    }
  }

  /**
   * Reads what {@link #toJson} wrote, or a person.
   *
   * @throws PlanFormatException if it is malformed
   */
  public static Fleet parse(String text) {
    JsonFields json = JsonFields.parse(text, FORMAT);
    try {
      String name = json.text("name");
      List<DeviceProfile> devices = new ArrayList<>();
      for (JsonFields device : json.objects("devices")) {
        devices.add(readDevice(device));
      }
      List<LinkProfile> links = new ArrayList<>();
      if (json.has("links")) {
        for (JsonFields link : json.objects("links")) {
          links.add(readLink(link));
        }
      }
      json.end();
      return new Fleet(name, devices, links);
    } catch (InvalidRequestException e) {
      throw new PlanFormatException("the fleet is not sound: " + e.getMessage(), e);
    }
  }

  private static DeviceProfile readDevice(JsonFields json) {
    DeviceProfile device =
        new DeviceProfile(
            json.text("id"),
            json.text("name"),
            json.number("prefillFlops"),
            json.number("decodeFlops"),
            json.number("memoryBandwidth"),
            json.number("stepSeconds"),
            json.whole("memoryBytes"),
            json.truth("fma"),
            readNic(json.object("nic")));
    json.end();
    return device;
  }

  private static Nic readNic(JsonFields json) {
    Nic nic =
        new Nic(
            json.number("bytesPerSecond"),
            json.number("latencySeconds"),
            json.optionalText("medium"));
    json.end();
    return nic;
  }

  private static LinkProfile readLink(JsonFields json) {
    LinkProfile link =
        new LinkProfile(
            json.text("a"),
            json.text("b"),
            json.number("bytesPerSecond"),
            json.number("latencySeconds"),
            json.optionalText("medium"));
    json.end();
    return link;
  }
}
