using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class DocumentReaderTests : ReadingTestBase
{
    [Fact]
    public void Read_Metadata_NamespaceDefaultsAndLabelsAreAllowed()
    {
        var service = ReadGood<ServiceResource>(
            "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {app.kubernetes.io/name: a}, annotations: {x/y: 'any thing'}}\nspec: {ports: [{port: 80}]}");

        service.Key.ShouldBe(new ResourceKey(ResourceKind.Service, "default", "a"));
        service.Origin.ShouldBe(new ResourceOrigin("f.yaml", 0, 1));
    }

    [Theory]
    [InlineData("clusterIP: 10.96.0.7", "10.96.0.7")]
    [InlineData("clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7, 'fd00::7']", "10.96.0.7 fd00::7")]
    [InlineData("clusterIP: None, clusterIPs: [None]", "")]
    [InlineData("clusterIP: ''", "")]
    public void Read_Service_HasItsAddresses(string spec, string expected) =>
        string.Join(' ', ReadGood<ServiceResource>($"apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec: {{ports: [{{port: 80}}], {spec}}}").ClusterIps)
            .ShouldBe(expected);

    [Theory]
    [InlineData("clusterIP: somewhere", "spec.clusterIP: must be an IP address, or None")]
    [InlineData("clusterIP: 10.96.0", "spec.clusterIP: must be an IP address, or None")]
    [InlineData("clusterIPs: ['10.96.0.7:80']", "spec.clusterIPs[0]: must be an IP address, or None")]
    public void Read_ServiceWhoseAddressIsNone_SaysSo(string spec, string says) =>
        ReadBad($"apiVersion: v1\nkind: Service\nmetadata: {{name: a}}\nspec: {{ports: [{{port: 80}}], {spec}}}").ShouldHaveSingleItem().ShouldContain(says);

    [Theory]
    [InlineData("a: 1", "f.yaml:1: apiVersion: is required", "f.yaml:1: kind: is required", "f.yaml:1: a: unknown field; here may stand apiVersion, kind, metadata or spec")]
    [InlineData("[1]", "f.yaml:1: is a list, must be a map of fields")]
    [InlineData("apiVersion: v1\nkind: TrafficRoute", "f.yaml:1: apiVersion: TrafficRoute is of apiVersion meshlite.dev/v1alpha1, not v1")]
    [InlineData("apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec: {}", "f.yaml:2: kind: the mesh knows no kind 'Deployment'")]
    [InlineData("apiVersion: meshlite.dev/v1alpha1\nkind: CanaryRelease", "f.yaml:2: kind: CanaryRelease is not supported by this version")]
    [InlineData("apiVersion: v1\nkind: 5", "f.yaml:2: kind: is the number 5, must be text (put it in quotes)")]
    [InlineData(
        "apiVersion: v1\nkind: Service\nmetadata: {name: A_b, namespace: shop}\nspec: {ports: [{port: 1}]}",
        "f.yaml:3: Service: metadata.name: 'A_b' is not a name of up to 63 lower case letters, digits and dashes")]
    [InlineData(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a, uid: x}\nspec: {ports: [{port: 1}]}",
        "f.yaml:3: Service default/a: metadata.uid: unknown field; here may stand name, namespace, labels or annotations")]
    [InlineData("apiVersion: v1\nkind: Service\nmetadata: {name: a}", "f.yaml:1: Service default/a: spec: is required")]
    [InlineData(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\nspec: {ports: [{port: 2}]}",
        "f.yaml:5: Service default/a: spec: is given twice, first in line 4")]
    [InlineData(
        "apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: other, namespace: shop}\nspec: {}",
        "f.yaml:3: MeshConfig default: metadata.namespace: MeshConfig belongs to the whole mesh and has no namespace",
        "f.yaml:3: MeshConfig default: metadata.name: is 'other', must be default: there is one MeshConfig")]
    public void Read_Bad_EveryErrorWithPlace(string yaml, params string[] errors) => ReadBad(yaml).ShouldBe(errors);

    [Fact]
    public void Read_BadButNamed_KeyIsKnown() =>
        Read("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: 1}").Key.ShouldBe(new ResourceKey(ResourceKind.Service, "default", "a"));

    [Fact]
    public void Read_FullOfMistakes_ErrorsAreBounded() =>
        ReadBad("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n" + string.Concat(Enumerable.Range(0, 10_000).Select(i => $"  x{i}: 1\n")))
            .Length.ShouldBe(50);
}
