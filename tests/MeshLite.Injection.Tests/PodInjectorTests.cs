using System.Text.Json.Nodes;

namespace MeshLite.Injection.Tests;

public sealed class PodInjectorTests
{
    [Theory]
    [InlineData("meshlite.dev/mtls", "strict", "none of Permissive, Strict")]
    [InlineData("meshlite.dev/mtls", "", "none of Permissive, Strict")]
    [InlineData("meshlite.dev/skip-inbound-ports", "80,http", "'http' is not a port")]
    [InlineData("meshlite.dev/skip-outbound-ports", "0", "'0' is not a port")]
    [InlineData("meshlite.dev/opaque-ports", "65536", "'65536' is not a port")]
    [InlineData("meshlite.dev/log-level", "Verbose", "none of Trace, Debug, Information, Warning, Error")]
    [InlineData("meshlite.dev/cpu-request", "much", "not a quantity")]
    [InlineData("meshlite.dev/cpu-request", "0m", "above zero")]
    [InlineData("meshlite.dev/memory-request", "-64Mi", "not a quantity")]
    [InlineData("meshlite.dev/memory-request", "64MB", "not a quantity")]
    [InlineData("meshlite.dev/inject", "yes", "none of enabled, disabled")]
    public void Inject_WrongAnnotation_RefusesAndNamesIt(string name, string value, string says)
    {
        var result = PodInjector.Inject(Pods.With((name, value)), Pods.Shop, Pods.Options);

        result.Pod.ShouldBeNull();
        result.Refusal.ShouldNotBeNull().ShouldContain("pod shop/orders-0");
        result.Refusal.ShouldContain(name);
        result.Refusal.ShouldContain(says);
    }

    [Theory]
    [InlineData("meshlite.dev/cpu-request", "0.5")]
    [InlineData("meshlite.dev/cpu-request", ".5")]
    [InlineData("meshlite.dev/cpu-request", "250m")]
    [InlineData("meshlite.dev/memory-request", "64Mi")]
    [InlineData("meshlite.dev/memory-request", "1e8")]
    public void Inject_Quantity_IsRequested(string name, string value)
    {
        var pod = PodInjector.Inject(Pods.With((name, value)), Pods.Shop, Pods.Options).Pod.ShouldNotBeNull();

        var resource = name.Split('/')[1].Split('-')[0];
        foreach (var container in (string[])["meshlite-capture", "meshlite-sidecar"])
        {
            pod.Container(container)["resources"]!["requests"]![resource]!.GetValue<string>().ShouldBe(value);
        }
    }

    [Fact]
    public void Inject_Annotations_BecomeArguments()
    {
        var pod = PodInjector.Inject(
            Pods.With(("meshlite.dev/skip-inbound-ports", "9100, 25"), ("meshlite.dev/skip-outbound-ports", "5432"), ("meshlite.dev/opaque-ports", "7000"), ("meshlite.dev/log-level", "Debug")),
            Pods.Shop, Pods.Options).Pod.ShouldNotBeNull();

        Arguments(pod, "meshlite-capture").ShouldBe("capture --skip-inbound-ports 25,9100 --skip-outbound-ports 5432");
        Arguments(pod, "meshlite-sidecar").ShouldEndWith("--skip-inbound-ports 25,9100 --opaque-ports 7000 --log-level Debug");
    }

    [Theory]
    [InlineData("enabled", null, null, true)]
    [InlineData("true", null, null, true)]
    [InlineData(null, null, null, false)]
    [InlineData("disabled", null, null, false)]
    [InlineData("enabled", "disabled", null, false)]
    [InlineData("disabled", "enabled", null, true)]
    [InlineData(null, "true", null, true)]
    [InlineData("enabled", null, "false", false)]
    [InlineData("enabled", "enabled", "disabled", true)]
    public void Inject_PodBeatsNamespace_LabelBeatsAnnotation(string? ns, string? label, string? annotation, bool injected)
    {
        var pod = annotation is null ? Pods.With() : Pods.With((MeshAnnotations.Inject, annotation));
        if (label is not null)
        {
            pod["metadata"]!["labels"] = new JsonObject { [MeshAnnotations.Inject] = label };
        }

        var labels = new Dictionary<string, string>();
        if (ns is not null)
        {
            labels[MeshAnnotations.Inject] = ns;
        }

        var result = PodInjector.Inject(pod, new PodNamespace("shop", labels), Pods.Options);

        (result.Pod is not null).ShouldBe(injected, result.LeftAlone);
    }

    [Fact]
    public void Inject_UnknownAnnotationOfOurs_Warns()
    {
        var result = PodInjector.Inject(Pods.With(("meshlite.dev/skip-ports", "25")), Pods.Shop, Pods.Options);

        result.Pod.ShouldNotBeNull();
        result.Warnings.ShouldHaveSingleItem().ShouldContain("meshlite.dev/skip-ports");
    }

    [Theory]
    [InlineData(null, 1337L, true)]
    [InlineData(1337L, null, true)]
    [InlineData(1337L, 1000L, false)]
    [InlineData(null, null, false)]
    public void Inject_SidecarsUser_IsRefused(long? ofPod, long? ofContainer, bool refused)
    {
        var pod = Pods.With();
        if (ofPod is { } user)
        {
            pod["spec"]!["securityContext"] = new JsonObject { ["runAsUser"] = user };
        }

        if (ofContainer is { } own)
        {
            pod["spec"]!["containers"]![0]!["securityContext"] = new JsonObject { ["runAsUser"] = own };
        }

        var result = PodInjector.Inject(pod, Pods.Shop, Pods.Options);

        (result.Refusal?.Contains("container app runs as uid 1337", StringComparison.Ordinal) == true).ShouldBe(refused, result.Refusal);
    }

    [Fact]
    public void Inject_ContainerWithProbeAddedSince_RewritesThatProbeToo()
    {
        var pod = Pods.With();
        pod["spec"]!["containers"]![0]!["livenessProbe"] = JsonNode.Parse("""{"tcpSocket":{"port":1}}""");
        var injected = PodInjector.Inject(pod, Pods.Shop, Pods.Options).Pod.ShouldNotBeNull();
        injected["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse("""{"name":"late","image":"late","readinessProbe":{"httpGet":{"path":"/$(X)","port":2}}}"""));

        var again = PodInjector.Inject(injected, Pods.Shop, Pods.Options).Pod.ShouldNotBeNull();

        again["spec"]!["initContainers"]!.AsArray().Count.ShouldBe(2);
        SidecarContainers.ValueOf(again.Container("meshlite-sidecar"), "MESHLITE_PROBES").ShouldBe(
            """{"app/liveness":{"tcpSocket":{"port":1}},"late/readiness":{"httpGet":{"path":"/$(X)","port":2}}}""");
        again.Container("meshlite-sidecar").Objects("env").Single(v => v.Text("name") == "MESHLITE_PROBES").Text("value").ShouldNotBeNull().ShouldContain("/$$(X)");
    }

    [Fact]
    public void Inject_Pod_IsNotChanged()
    {
        var pod = Pods.With(("prometheus.io/scrape", "true"), ("prometheus.io/port", "8080"));
        var before = pod.ToJsonString();

        PodInjector.Inject(pod, Pods.Shop, Pods.Options).Pod.ShouldNotBeNull();

        pod.ToJsonString().ShouldBe(before);
    }

    [Theory]
    [InlineData("true", "8080", null, null, "8080/metrics")]
    [InlineData("true", "8080", "stats", null, "8080/stats")]
    [InlineData("true", "8443", "/m", "https", "https:8443/m")]
    [InlineData("true", "15020", null, null, null)]
    [InlineData("false", "8080", null, null, null)]
    [InlineData("true", "http", null, null, null)]
    public void Inject_PrometheusAnnotations_LeadToTheSidecar(string scrape, string port, string? path, string? scheme, string? merged)
    {
        var pod = Pods.With(("prometheus.io/scrape", scrape), ("prometheus.io/port", port));
        if (path is not null)
        {
            pod["metadata"]!["annotations"]!["prometheus.io/path"] = path;
        }

        if (scheme is not null)
        {
            pod["metadata"]!["annotations"]!["prometheus.io/scheme"] = scheme;
        }

        var injected = PodInjector.Inject(pod, Pods.Shop, Pods.Options).Pod.ShouldNotBeNull();

        SidecarContainers.ValueOf(injected.Container("meshlite-sidecar"), "MESHLITE_APP_METRICS").ShouldBe(merged);
        var annotations = injected.Object("metadata").Texts("annotations");
        annotations["prometheus.io/port"].ShouldBe(merged is null ? port : "15020");
        if (merged is not null)
        {
            annotations["prometheus.io/path"].ShouldBe("/metrics");
            annotations.GetValueOrDefault("prometheus.io/scheme", "http").ShouldBe("http");
        }
    }

    private static string Arguments(JsonObject pod, string container) =>
        string.Join(' ', pod.Container(container)["args"]!.AsArray().Select(argument => argument!.GetValue<string>()));
}
