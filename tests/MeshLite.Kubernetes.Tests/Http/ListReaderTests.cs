using System.Text;
using System.Text.Json;
using MeshLite.Kubernetes.Http;

namespace MeshLite.Kubernetes.Tests.Http;

public class ListReaderTests
{
    [Fact]
    public void Read_MembersInAnyOrder_AllAreFound()
    {
        var page = Read("""{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],"x":{"y":[1]},"metadata":{"remainingItemCount":3,"continue":"more","resourceVersion":"7"},"kind":"ConfigMapList"}""");

        page.Items.Select(i => i.Metadata.Name).ShouldBe(["a", "b"]);
        page.ResourceVersion.ShouldBe("7");
        page.Continue.ShouldBe("more");
    }

    [Theory]
    [InlineData("""{"metadata":{"resourceVersion":"7","continue":""},"items":null}""")]
    [InlineData("""{"metadata":{"resourceVersion":"7"},"items":[]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"7"}}""")]
    public void Read_Empty_IsTheLastPage(string json)
    {
        var page = Read(json);

        page.Items.ShouldBeEmpty();
        page.Continue.ShouldBeNull();
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"metadata":{"resourceVersion":"7"},"items":[null]}""")]
    [InlineData("<html>")]
    public void Read_NoList_IsAJsonException(string json) => Should.Throw<JsonException>(() => Read(json));

    private static ObjectPage<Objects.ConfigMap> Read(string json) => ListReader.Read(Encoding.UTF8.GetBytes(json), ResourceTypes.ConfigMaps.Json);
}
