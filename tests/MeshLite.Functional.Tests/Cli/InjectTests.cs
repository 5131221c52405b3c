using MeshLite.Cli.Inject;
using MeshLite.Hosting;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cli;

public sealed class InjectTests : IDisposable
{
    private const string Untouched = """
        # a comment,   and odd   spacing
        apiVersion: v1
        kind: Service
        metadata: { name: orders }
        spec: {ports: [{port:   80}]}

        """;

    private const string Deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: orders
          namespace: shop
          labels: {"on": "yes"}
        spec:
          replicas: 2
          template:
            metadata:
              labels: {app: orders}
            spec:
              containers:
              - name: app
                image: 'shop/orders:1'
                env:
                - {name: A, value: "1"}
                - name: B
                  value: |
                    two
                    lines
                livenessProbe: &probe
                  httpGet: {path: /live, port: 8080}
                readinessProbe: *probe

        """;

    private readonly TestDirectory _directory = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public InjectTests() => File.WriteAllText(_directory["ca.pem"], new TestAuthority(TimeProvider.System).Certificate.ExportCertificatePem());

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Inject_WhatHasNoPods_ComesOutAsItWentIn()
    {
        var text = $"---\n{Untouched}---   # next\r\n{Untouched}\n--- {{a: b}}\n...\n---\n";

        (await RunAsync(text)).ShouldBe(0, _error.ToString());

        _output.ToString().ShouldBe(text);
    }

    [Fact]
    public async Task Inject_Deployment_ChangesOnlyWhatItMust()
    {
        (await RunAsync($"{Untouched}---\n{Deployment}---\n{Untouched}")).ShouldBe(0, _error.ToString());

        var output = _output.ToString();
        output.ShouldStartWith($"{Untouched}---\n");
        output.ShouldEndWith($"---\n{Untouched}");
        output.ShouldContain("  labels: {\"on\": \"yes\"}\n");
        output.ShouldContain("        image: 'shop/orders:1'\n");
        output.ShouldContain("        - {name: A, value: \"1\"}\n");
        output.ShouldContain("          value: |\n            two\n            lines\n");
        output.ShouldContain("path: /probe/app/liveness");
        output.ShouldContain("path: /probe/app/readiness");
        output.ShouldContain("name: meshlite-capture");
        output.ShouldContain("- NET_ADMIN");
        output.ShouldContain("        meshlite.dev/trust-bundle: |\n          -----BEGIN CERTIFICATE-----\n");
        output.ShouldNotContain("*probe");
    }

    [Fact]
    public async Task Inject_Twice_DoesNothingMore()
    {
        await RunAsync(Deployment);
        var once = _output.ToString();
        _output.GetStringBuilder().Clear();

        (await RunAsync(once)).ShouldBe(0, _error.ToString());

        _output.ToString().ShouldBe(once);
        _error.ToString().ShouldContain("Deployment orders: left alone: it is injected already");
    }

    [Theory]
    [InlineData("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: x}]}}", 1)]
    [InlineData("{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: x}]}}}}}}", 1)]
    [InlineData("{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {containers: [{name: x}]}}}}", 1)]
    [InlineData("{kind: List, items: [{kind: StatefulSet, spec: {template: {spec: {}}}}, {kind: ConfigMap}, {kind: DaemonSet, spec: {template: {spec: {}}}}]}", 2)]
    [InlineData("{kind: Pod, spec: {hostNetwork: yes}}", 0)]
    [InlineData("{kind: Pod, metadata: {labels: {meshlite.dev/inject: \"false\"}}, spec: {}}", 0)]
    [InlineData("{kind: PodTemplate, template: {spec: {}}}", 0)]
    public async Task Inject_Kind_GetsItsSidecars(string yaml, int sidecars)
    {
        (await RunAsync(yaml)).ShouldBe(0, _error.ToString());

        _output.ToString().Split("restartPolicy: Always").Length.ShouldBe(sidecars + 1, _output.ToString());
    }

    [Fact]
    public async Task Inject_MergeKeys_AreSpelledOut()
    {
        (await RunAsync("{kind: Pod, x: &c {name: app, image: a}, spec: {containers: [{<<: *c, image: b}]}}")).ShouldBe(0, _error.ToString());

        _output.ToString().ShouldContain("containers: [{image: b, name: app}]");
    }

    [Theory]
    [InlineData("kind: [", "document 1: ")]
    [InlineData("{kind: Pod, metadata: {name: a, annotations: {meshlite.dev/mtls: strict}}, spec: {}}", "Pod a: pod default/a can't be in the mesh: annotation meshlite.dev/mtls")]
    public async Task Inject_Wrong_IsOneLine(string yaml, string says)
    {
        (await RunAsync(yaml)).ShouldBe(1);

        _output.ToString().ShouldBe("");
        _error.ToString().ShouldContain(says);
    }

    [Fact]
    public async Task Inject_NoCertificate_IsTheOptionsFault()
    {
        File.WriteAllText(_directory["ca.pem"], "nothing");

        (await RunAsync(Deployment)).ShouldBe(CommandLineRunner.WrongOption);

        _error.ToString().ShouldContain("--control-plane-ca: no certificate in the PEM text");
    }

    private Task<int> RunAsync(string yaml)
    {
        var root = new System.CommandLine.RootCommand { InjectCommand.Create(_output, _error, new StringReader(yaml)) };
        return CommandLineRunner.RunAsync(root, ["inject", "-f", "-", "--control-plane-ca", _directory["ca.pem"]], _error);
    }
}
